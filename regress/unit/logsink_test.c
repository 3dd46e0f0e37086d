/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Whatever a child writes, our log gets bounded lines with its name, levels
 * it may use, and nothing that moves a cursor.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "../../wampd/wampd.h"
#include "mono.h"

static struct {
	int	level;
	char	text[2048];
} got[16];
static size_t	ngot;
static uint64_t	now = 1000000;

/* In the place of log.c's. */
void
log_from(int level, const char *process, const char *text)
{
	if (ngot == 16)
		errx(1, "more than 16 lines");
	got[ngot].level = level;
	snprintf(got[ngot++].text, sizeof(got[0].text), "%s%s%s", process,
	    *process != '\0' ? ": " : "", text);
}

void
log_warnx(const char *fmt, ...)
{
	log_from(-1, "", fmt);
}

uint64_t
mono_ms(void)
{
	return (now);
}

static void
expect(size_t i, int level, const char *text)
{
	if (i >= ngot)
		errx(1, "line %zu is missing: %s", i, text);
	if (got[i].level != level || strcmp(got[i].text, text) != 0)
		errx(1, "line %zu: got %d \"%s\", want %d \"%s\"", i,
		    got[i].level, got[i].text, level, text);
}

static void
feed(struct logsink *l, const char *text)
{
	logsink_feed(l, text, strlen(text));
}

int
main(void)
{
	struct logsink	l;
	char		big[9000];
	int		i;

	memset(&l, 0, sizeof(l));
	l.name = "broker 0";
	l.fd = -1;

	feed(&l, "<6>one\n<4>two\nthr");
	feed(&l, "ee\n");
	expect(0, LOG_INFO, "broker 0: one");
	expect(1, LOG_WARNING, "broker 0: two");
	expect(2, LOG_WARNING, "broker 0: three");

	/* no emergencies, no facilities, no empty lines */
	ngot = 0;
	feed(&l, "<0>x\n<1>y\n<2>z\n<9>f\n<14>g\n\n<6>\n<6\n");
	expect(0, LOG_WARNING, "broker 0: <0>x");
	expect(1, LOG_WARNING, "broker 0: <1>y");
	expect(2, LOG_CRIT, "broker 0: z");
	expect(3, LOG_WARNING, "broker 0: <9>f");
	expect(4, LOG_WARNING, "broker 0: <14>g");
	expect(5, LOG_WARNING, "broker 0: <6");
	if (ngot != 6)
		errx(1, "got %zu lines, want 6", ngot);

	/* escapes, NUL, eight-bit */
	ngot = 0;
	logsink_feed(&l, "<6>a\033[2J\0\r\377b\n", 13);
	expect(0, LOG_INFO, "broker 0: a\\033[2J\\000\\015\\377b");

	/* one long line is one line, cut */
	ngot = 0;
	memset(big, 'x', sizeof(big));
	memcpy(big, "<6>", 3);
	logsink_feed(&l, big, sizeof(big));
	feed(&l, "\n<6>next\n");
	if (ngot != 2 || strlen(got[0].text) > 1700)
		errx(1, "long line: %zu lines", ngot);
	expect(1, LOG_INFO, "broker 0: next");
	ngot = 0;
	memset(big, '\033', sizeof(big));
	logsink_feed(&l, big, sizeof(big));
	feed(&l, "\n");
	if (ngot != 1 || strlen(got[0].text) > 1700)
		errx(1, "long line of escapes");

	/* a flood is cut, but takes no room from warnings; what is dropped is
	 * counted, and said so with the next that goes */
	now += 1000;
	for (i = 0; i < 2000; i++) {
		ngot = 0;
		feed(&l, "<6>x\n");
		expect(0, LOG_INFO, "broker 0: x");
	}
	ngot = 0;
	feed(&l, "<6>a\n<5>b\n<7>c\n");
	if (ngot != 0)
		errx(1, "lines over the limit were let through");
	feed(&l, "<4>w\n<2>v\nu\n");
	expect(0, LOG_WARNING, "broker 0: w");
	expect(1, LOG_CRIT, "broker 0: v");
	expect(2, LOG_WARNING, "broker 0: u");
	for (i = 3; i < 2000; i++) {
		ngot = 0;
		feed(&l, "<4>x\n");
		expect(0, LOG_WARNING, "broker 0: x");
	}
	ngot = 0;
	feed(&l, "<4>w\n");
	if (ngot != 0)
		errx(1, "warnings over their limit were let through");
	now += 1000;
	feed(&l, "<6>c\n");
	if (ngot != 2 || got[0].level != -1)
		errx(1, "nothing was said of dropped lines");
	expect(1, LOG_INFO, "broker 0: c");
	return (0);
}
