/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Runs a fuzz target over its corpus: every file of the folder named, or of
 * the target's own below $top, where the target's name is the program's.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
replay(const char *dir, const char *name)
{
	char		 path[4096];
	struct stat	 st;
	uint8_t		*buf;
	FILE		*f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((f = fopen(path, "r")) == NULL || fstat(fileno(f), &st) == -1)
		err(1, "%s", path);
	if (S_ISREG(st.st_mode)) {
		/* exactly sized, for sanitizers */
		if ((buf = malloc((size_t)st.st_size)) == NULL &&
		    st.st_size > 0)
			err(1, NULL);
		if (fread(buf, 1, (size_t)st.st_size, f) !=
		    (size_t)st.st_size)
			err(1, "%s", path);
		fprintf(stderr, "%s\n", name);
		(void)LLVMFuzzerTestOneInput(buf, (size_t)st.st_size);
		free(buf);
	}
	fclose(f);
}

int
main(int argc, char *argv[])
{
	const char	*top = getenv("top"), *prog;
	char		 dir[2048];
	struct dirent	*d;
	DIR		*dp;
	int		 n = 0;

	prog = strrchr(argv[0], '/') == NULL ? argv[0] :
	    strrchr(argv[0], '/') + 1;
	if (strncmp(prog, "fuzz_", 5) == 0)
		prog += 5;
	if (argc > 1)
		strlcpy(dir, argv[1], sizeof(dir));
	else
		snprintf(dir, sizeof(dir), "%s/regress/fuzz/corpus/%s",
		    top == NULL ? "." : top, prog);
	if ((dp = opendir(dir)) == NULL)
		err(1, "%s", dir);
	while ((d = readdir(dp)) != NULL)
		if (d->d_name[0] != '.') {
			replay(dir, d->d_name);
			n++;
		}
	closedir(dp);
	if (n == 0)
		errx(1, "%s: no files", dir);
	return (0);
}
