/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What people and programs read: one JSON object a line.  Text of others
 * cannot move a terminal's cursor or begin a line: control characters are
 * escaped, white space between values is left out.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "utf8.h"
#include "wampc.h"

/*
 * Checked JSON again, on one line: DEL and the C1 controls (U+0080 to
 * U+009F, of which some are a terminal's escape sequences) as \u escapes.
 * Both stand in strings only.
 */
static void
add_clean(struct wbuf *w, const uint8_t *p, size_t len)
{
	char	esc[8];
	size_t	i, from = 0;
	int	in = 0, skip;

	for (i = 0; i < len; i++) {
		skip = 0;
		esc[0] = '\0';
		if (!in) {
			in = p[i] == '"';
			skip = p[i] == ' ' || p[i] == '\t' || p[i] == '\n' ||
			    p[i] == '\r';
		} else if (p[i] == '\\') {
			i++;
		} else if (p[i] == '"') {
			in = 0;
		} else if (p[i] == 0x7f) {
			skip = 1;
			snprintf(esc, sizeof(esc), "\\u007f");
		} else if (p[i] == 0xc2 && i + 1 < len && p[i + 1] < 0xa0) {
			skip = 2;
			snprintf(esc, sizeof(esc), "\\u%04x", p[i + 1]);
		}
		if (skip == 0)
			continue;
		wbuf_add(w, p + from, i - from);
		wbuf_add(w, esc, strlen(esc));
		i += (size_t)skip - 1;
		from = i + 1;
	}
	if (from < len)
		wbuf_add(w, p + from, len - from);
}

static int
add_value(struct enc *e, const struct val *v)
{
	struct wbuf	w;
	int		rc = -1;

	memset(&w, 0, sizeof(w));
	if (codec_convert(v, SER_JSON, &w) == CODEC_OK) {
		enc_raw(e, w.buf, w.len);
		rc = 0;
	}
	wbuf_free(&w);
	return (rc);
}

static int
add_payload(struct enc *e, const struct val *v, size_t n)
{
	ENC_KEY(e, "args");
	if (n > 0) {
		if (add_value(e, &v[0]) == -1)
			return (-1);
	} else {
		enc_array(e, 0);
		enc_end(e);
	}
	ENC_KEY(e, "kwargs");
	if (n > 1)
		return (add_value(e, &v[1]));
	enc_map(e, 0);
	enc_end(e);
	return (0);
}

int
output_object(struct wbuf *w, const char *key, const char *uri,
    uint64_t publication, const struct val *details, const struct val *v,
    size_t n)
{
	struct enc	e;
	struct wbuf	raw;
	int		rc = -1;

	memset(&raw, 0, sizeof(raw));
	enc_init(&e, SER_JSON, &raw);
	enc_map(&e, 2 + (key != NULL) + (publication != 0) +
	    (details != NULL));
	if (key != NULL) {
		enc_str(&e, key, strlen(key));
		enc_str(&e, uri, strlen(uri));
	}
	if (publication != 0) {
		ENC_KEY(&e, "publication");
		enc_uint(&e, publication);
	}
	if (details != NULL) {
		ENC_KEY(&e, "details");
		if (add_value(&e, details) == -1)
			goto done;
	}
	if (add_payload(&e, v, n) == -1)
		goto done;
	enc_end(&e);
	add_clean(w, raw.buf, raw.len);
	wbuf_add(w, "\n", 1);
	rc = raw.failed || w->failed ? -1 : 0;
done:
	wbuf_free(&raw);
	return (rc);
}

/* UTF-8 as it is, control characters as \u escapes. */
void
output_text(char *dst, size_t size, const struct val *v)
{
	const uint8_t	*p;
	uint8_t		 buf[2048];
	size_t		 i, len, n, off;
	unsigned int	 ch;

	if ((p = val_str(v, buf, sizeof(buf), &len)) == NULL)
		return;
	off = (size_t)snprintf(dst, size, ": ");
	for (i = 0; i < len; i += n) {
		ch = p[i];
		n = utf8_seq(p + i, len - i);
		if (n == 2 && p[i] == 0xc2 && p[i + 1] < 0xa0)
			ch = p[i + 1];
		if (n == 0)
			n = 1;
		if (size - off <= 6)
			return;
		if (ch < 0x20 || (ch >= 0x7f && ch < 0xa0))
			snprintf(dst + off, size - off, "\\u%04x", ch);
		else {
			memcpy(dst + off, p + i, n);
			dst[off + n] = '\0';
		}
		off += strlen(dst + off);
	}
}

void
output_reason(char *dst, size_t size, const struct val *details,
    const struct val *v, size_t n)
{
	struct wbuf	w;
	struct val_iter	it;
	struct val	text;
	int		has_kwargs = n > 1 && val_count(&v[1]) > 0;

	dst[0] = '\0';
	if (val_member(details, "message", &text) && text.type == VAL_STR) {
		output_text(dst, size, &text);
		return;
	}
	if (n == 0 || (val_count(&v[0]) == 0 && !has_kwargs))
		return;
	val_iter_init(&it, &v[0]);
	if (!has_kwargs && val_count(&v[0]) == 1 &&
	    val_array_next(&it, &text) && text.type == VAL_STR) {
		output_text(dst, size, &text);
		return;
	}
	memset(&w, 0, sizeof(w));
	if (output_object(&w, NULL, NULL, 0, NULL, v, n) == 0)
		snprintf(dst, size, ": %.*s", w.len - 1 > size ? (int)size :
		    (int)w.len - 1, w.buf);
	wbuf_free(&w);
}

/* A descriptor that is shared with a program that made it non-blocking. */
static void
wait_writable(void)
{
	struct pollfd	pfd;

	pfd.fd = STDOUT_FILENO;
	pfd.events = POLLOUT;
	(void)poll(&pfd, 1, -1);
}

/* Whoever reads a subscription's events may have had enough (head -1). */
static void
output_failed(struct client *c)
{
	if (errno == EPIPE && c->verb->is_service)
		session_leave(c, ST_OK);
	else
		client_fail(c, ST_USAGE, "standard output: %s",
		    strerror(errno));
}

int
output_write(struct client *c, const struct wbuf *w)
{
	size_t	off = 0;
	ssize_t	n;

	if (c->o.quiet)
		return (0);
	while (off < w->len) {
		n = write(STDOUT_FILENO, w->buf + off, w->len - off);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN) {
			wait_writable();
			continue;
		}
		if (n == -1) {
			output_failed(c);
			return (-1);
		}
		off += (size_t)n;
	}
	return (0);
}
