/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * From words and documents to Arguments and ArgumentsKw, kept as JSON until
 * they are sent.
 */
#include <string.h>

#include "utf8.h"
#include "wampc.h"

#define NOTHERS		4	/* members passed over */

void
payload_free(struct payload *pl)
{
	wbuf_free(&pl->args);
	wbuf_free(&pl->kwargs);
	memset(pl, 0, sizeof(*pl));
}

int
payload_kwarg(const struct payload *pl, const char *name, struct val *out)
{
	struct val	v;

	return (codec_check(SER_JSON, pl->kwargs.buf, pl->kwargs.len, &v) ==
	    CODEC_OK && val_member(&v, name, out));
}

uint32_t
payload_count(const struct payload *pl)
{
	if (pl->nkwargs > 0)
		return (2);
	return (pl->nargs > 0 ? 1 : 0);
}

/* One JSON text in the encoder's serializer. */
static int
encode_json(const struct wbuf *json, struct enc *e)
{
	struct wbuf	w;
	struct val	v;
	int		rc = -1;

	memset(&w, 0, sizeof(w));
	if (codec_check(SER_JSON, json->buf, json->len, &v) == CODEC_OK &&
	    codec_convert(&v, e->ser, &w) == CODEC_OK) {
		enc_raw(e, w.buf, w.len);
		rc = 0;
	}
	wbuf_free(&w);
	return (rc);
}

int
payload_encode(const struct payload *pl, struct enc *e)
{
	if (pl->nargs > 0) {
		if (encode_json(&pl->args, e) == -1)
			return (-1);
	} else if (pl->nkwargs > 0) {
		enc_array(e, 0);
		enc_end(e);
	}
	if (pl->nkwargs > 0)
		return (encode_json(&pl->kwargs, e));
	return (0);
}

int
payload_encode_kwargs(const struct payload *pl, struct enc *e)
{
	if (pl->nkwargs > 0)
		return (encode_json(&pl->kwargs, e));
	enc_map(e, 0);
	enc_end(e);
	return (0);
}

/* Length of the name in "name=value", 0 if it has not that form. */
static size_t
key_len(const char *word)
{
	size_t	n;

	if (*word >= '0' && *word <= '9')
		return (0);
	n = strspn(word, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	return (word[n] == '=' ? n : 0);
}

/* JSON where it parses, else a string. */
static int
add_word(struct enc *e, const char *word)
{
	const uint8_t	*p = (const uint8_t *)word;
	size_t		 len = strlen(word);
	struct val	 v;

	if (codec_check(SER_JSON, p, len, &v) == CODEC_OK)
		enc_raw(e, v.p, v.len);
	else if (utf8_ok(p, len))
		enc_str(e, word, len);
	else
		return (-1);
	return (0);
}

static int
has_key(char *const *words, int upto, const char *key, size_t klen)
{
	int	i;

	for (i = 0; i < upto; i++)
		if (key_len(words[i]) == klen &&
		    memcmp(words[i], key, klen) == 0)
			return (1);
	return (0);
}

const char *
payload_words(struct payload *pl, char *const *words, int n)
{
	struct enc	ea, ek;
	size_t		klen;
	int		i;

	memset(pl, 0, sizeof(*pl));
	for (i = 0; i < n; i++)
		if (key_len(words[i]) > 0)
			pl->nkwargs++;
		else
			pl->nargs++;
	enc_init(&ea, SER_JSON, &pl->args);
	enc_array(&ea, (uint32_t)pl->nargs);
	enc_init(&ek, SER_JSON, &pl->kwargs);
	enc_map(&ek, (uint32_t)pl->nkwargs);
	for (i = 0; i < n; i++) {
		klen = key_len(words[i]);
		if (klen == 0) {
			if (add_word(&ea, words[i]) == -1)
				return ("an argument is not UTF-8");
			continue;
		}
		if (has_key(words, i, words[i], klen))
			return ("a key is given twice");
		enc_str(&ek, words[i], klen);
		if (add_word(&ek, words[i] + klen + 1) == -1)
			return ("a value is not UTF-8");
	}
	enc_end(&ea);
	enc_end(&ek);
	if (pl->args.failed || pl->kwargs.failed)
		return ("out of memory");
	return (NULL);
}

/* {"args":[...],"kwargs":{...}} as wampc prints it, and nothing else? */
static int
is_printed_form(const struct val *doc)
{
	static const char *const others[NOTHERS] = {
		"topic", "publication", "procedure", "details"
	};
	struct val_iter	it;
	struct val	key, val;
	size_t		i;
	int		found = 0;

	if (doc->type != VAL_MAP || val_map_check(doc) == -1)
		return (0);
	val_iter_init(&it, doc);
	while (val_map_next(&it, &key, &val)) {
		if (val_is(&key, "args", 4) && val.type == VAL_ARRAY)
			found = 1;
		else if (val_is(&key, "kwargs", 6) && val.type == VAL_MAP)
			found = 1;
		else {
			for (i = 0; i < NOTHERS; i++)
				if (val_is(&key, others[i],
				    strlen(others[i])))
					break;
			if (i == NOTHERS)
				return (0);
		}
	}
	return (found);
}

/* A list of the one value or string. */
static void
one_argument(struct payload *pl, const struct val *v, const void *text,
    size_t len)
{
	struct enc	e;

	pl->nargs = 1;
	enc_init(&e, SER_JSON, &pl->args);
	enc_array(&e, 1);
	if (v != NULL)
		enc_raw(&e, v->p, v->len);
	else
		enc_str(&e, text, len);
	enc_end(&e);
}

const char *
payload_document(struct payload *pl, const void *text, size_t len,
    int is_text)
{
	struct val	doc, v;

	memset(pl, 0, sizeof(*pl));
	if (codec_check(SER_JSON, text, len, &doc) != CODEC_OK) {
		if (!is_text)
			return ("not a JSON document");
		if (!utf8_ok(text, len))
			return ("neither JSON nor UTF-8");
		one_argument(pl, NULL, text, len);
	} else if (doc.type == VAL_ARRAY) {
		pl->nargs = (size_t)val_count(&doc);
		wbuf_add(&pl->args, doc.p, doc.len);
	} else if (is_printed_form(&doc)) {
		if (val_member(&doc, "args", &v)) {
			pl->nargs = (size_t)val_count(&v);
			wbuf_add(&pl->args, v.p, v.len);
		}
		if (val_member(&doc, "kwargs", &v)) {
			pl->nkwargs = (size_t)val_count(&v);
			wbuf_add(&pl->kwargs, v.p, v.len);
		}
	} else
		one_argument(pl, &doc, NULL, 0);
	if (pl->args.failed || pl->kwargs.failed)
		return ("out of memory");
	return (NULL);
}
