/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The serializers as one interface: check and split what came in, read
 * single values, write what goes out, convert between serializers.
 * Linked by tlsproxy, wampc and wampctl only; no function here allocates
 * except through a struct wbuf, none recurses, and none reads past the span
 * it was given.
 */
#ifndef WAMPD_CODEC_H
#define WAMPD_CODEC_H

#include <stddef.h>
#include <stdint.h>

/* Numbers as in the RawSocket handshake (WAMP, RawSocket Transport). */
enum ser {
	SER_NONE = 0,
	SER_JSON = 1,
	SER_MSGPACK = 2,
	SER_CBOR = 3
};
#define SER_MAX		4

#define CODEC_MAXDEPTH	128	/* containers inside each other, all told */

enum codec_err {
	CODEC_OK = 0,
	CODEC_ESYNTAX,		/* no value of this serializer */
	CODEC_ETRUNC,		/* ends in the middle of a value */
	CODEC_ETRAIL,		/* octets behind the value */
	CODEC_EUTF8,		/* string that is no UTF-8, lone surrogate */
	CODEC_EDEPTH,		/* more than CODEC_MAXDEPTH containers; a CBOR
				 * tag counts as one */
	CODEC_ENOTLIST,		/* a message that is not a list */
	CODEC_ETOOMANY,		/* list with more elements than asked for; the
				 * rest of it may not have been looked at */
	CODEC_ECONVERT,		/* cannot be said in the other serializer */
	CODEC_ENOMEM
};

enum val_type {
	VAL_NIL = 1,
	VAL_BOOL,
	VAL_UINT,		/* 0 to UINT64_MAX, in u.u; JSON's -0, too */
	VAL_INT,		/* INT64_MIN to -1, in u.i */
	VAL_FLOAT,		/* in u.d; also JSON numbers with . or e, and
				 * integers beyond the two above.  JSON's 1e999
				 * is an infinity */
	VAL_STR,
	VAL_BIN,		/* MessagePack bin, CBOR byte string; JSON's
				 * "\u0000..." strings stay VAL_STR here */
	VAL_ARRAY,
	VAL_MAP,
	VAL_EXT			/* MessagePack ext, CBOR tag, undefined and
				 * other simple values */
};

/*
 * One value of a checked message.  It owns nothing: the pointers go into
 * the buffer that was split.
 */
struct val {
	enum val_type	 type;
	uint8_t		 ser;	/* enum ser */
	uint8_t		 plain;	/* VAL_STR, VAL_BIN: str/slen are the content
				 * as it is.  0: JSON escapes or a CBOR
				 * chunked string, use val_str() */
	const uint8_t	*p;	/* the whole encoding of the value */
	size_t		 len;
	const uint8_t	*str;	/* VAL_STR, VAL_BIN: content, no quotes;
				 * containers: what is behind the head */
	size_t		 slen;
	union {
		uint64_t	u;	/* of containers the entries, as left
					 * in val_iter; see val_count() */
		int64_t		i;
		double		d;
		int		b;
	} u;
};

/* Walks the entries of a map or array that was checked before. */
struct val_iter {
	const uint8_t	*p, *end;
	uint64_t	 left;	/* entries left, UINT64_MAX: until the end
				 * mark */
	uint8_t		 ser;
};

/* A buffer that grows; zero it to begin, wbuf_free() it to end. */
struct wbuf {
	uint8_t		*buf;
	size_t		 len, size;
	size_t		 max;	/* 0: no bound; else growing past it fails */
	int		 failed;	/* no memory or past max: sticky */
};

void	 wbuf_free(struct wbuf *);	/* buffer only; zeroes the struct */
void	 wbuf_reset(struct wbuf *);	/* len and failed to 0, memory kept */
uint8_t	*wbuf_grow(struct wbuf *, size_t n);	/* wbuf_room(), slowly */
void	 wbuf_add(struct wbuf *, const void *, size_t);

/* Room for at least n more octets, NULL (and failed set) if there is none. */
static inline uint8_t *
wbuf_room(struct wbuf *w, size_t n)
{
	if (n < w->size - w->len && !w->failed &&
	    (w->max == 0 || w->size <= w->max))
		return (w->buf + w->len);
	return (wbuf_grow(w, n));
}

/*
 * Check one message, which must be a single list that fills buf wholly:
 * well formed, strings UTF-8, nested at most CODEC_MAXDEPTH deep; and
 * describe its elements (shallowly) in v[0] to v[*n - 1].
 * Duplicate keys are not looked for, see val_map_check().
 */
enum codec_err	 codec_split(enum ser, const uint8_t *buf, size_t len,
		    struct val *v, size_t max, size_t *n);

/* The same for a single value of any type that fills buf wholly. */
enum codec_err	 codec_check(enum ser, const uint8_t *buf, size_t len,
		    struct val *v);

/*
 * The same for n values that fill buf wholly, as they stand inside of a list:
 * those of JSON have a comma between them.
 */
enum codec_err	 codec_values(enum ser, const uint8_t *buf, size_t len,
		    struct val *v, size_t n);

const char	*codec_strerror(enum codec_err);	/* "not UTF-8", ... */
const char	*ser_name(enum ser);	/* "json", "msgpack", "cbor", "none" */

/*
 * Entries of v (VAL_MAP or VAL_ARRAY out of codec_split(), codec_check() or
 * these functions).  The next functions return 1 with an entry, 0 at the
 * end.  Map keys may be of any type but for JSON.
 */
void		 val_iter_init(struct val_iter *, const struct val *v);
int		 val_map_next(struct val_iter *, struct val *key,
		    struct val *val);
int		 val_array_next(struct val_iter *, struct val *val);
uint64_t	 val_count(const struct val *);	/* entries of map or array */

/*
 * Is it an id?  Clients in JavaScript write those beyond 2^32 as floats, in
 * CBOR; such a one becomes a VAL_UINT.
 */
int		 val_as_id(struct val *);

/*
 * Options and Details (WAMP, Messages): every key a string, none twice, and
 * at most 1024 of them.  Returns 0, or -1 if that does not hold.  Cheap for
 * up to 32 keys, and never worse than n log n.
 */
int		 val_map_check(const struct val *);

/*
 * Is the VAL_STR exactly the text s (len octets, no escapes)?
 * Works for strings that are not plain, too.
 */
int		 val_is(const struct val *, const char *s, size_t len);

/*
 * The content of a VAL_STR (UTF-8) or VAL_BIN: returns a pointer to it and
 * its length in *len; v->str where it is plain, else a copy in buf.
 * NULL if it does not fit into size octets.  Never NUL terminated.
 */
const uint8_t	*val_str(const struct val *, uint8_t *buf, size_t size,
		    size_t *len);

/*
 * Convert the checked value v into serializer "to", appended to w.
 * Equal serializers: the octets are copied.  Rules:
 * binary <-> JSON "\u0000" + base64 (WAMP, Binary conversion of JSON
 * strings; a JSON string that begins with NUL and is not base64 stays a
 * string); NaN and infinities become JSON null; integer keys of maps
 * become decimal strings in JSON; integers beyond uint64 become floats;
 * ext, tags, undefined, and other keys that JSON lacks: CODEC_ECONVERT.
 * Streaming: needs no memory besides w.  On error w->len is as before.
 */
enum codec_err	 codec_convert(const struct val *v, enum ser to,
		    struct wbuf *w);

/*
 * Writing a message.  An encoder knows where JSON needs commas.  Arrays
 * and maps are opened with their number of entries and closed with
 * enc_end(); for maps each entry is an enc_str() or ENC_KEY and a value.
 * Errors are sticky in w->failed.  Nested at most CODEC_MAXDEPTH deep.
 */
struct enc {
	struct wbuf	*w;
	enum ser	 ser;
	unsigned int	 depth;
	uint8_t		 stack[CODEC_MAXDEPTH];
};

void	 enc_init(struct enc *, enum ser, struct wbuf *);
void	 enc_array(struct enc *, uint32_t n);
void	 enc_map(struct enc *, uint32_t n);
void	 enc_end(struct enc *);
void	 enc_nil(struct enc *);
void	 enc_bool(struct enc *, int);
void	 enc_uint(struct enc *, uint64_t);
void	 enc_int(struct enc *, int64_t);
void	 enc_double(struct enc *, double);	/* NaN, inf: null in JSON */
/* s must be UTF-8; JSON escapes as it must. */
void	 enc_str(struct enc *, const char *s, size_t len);
void	 enc_bin(struct enc *, const uint8_t *, size_t);
/* One value already encoded in this encoder's serializer. */
void	 enc_raw(struct enc *, const uint8_t *, size_t);
#define ENC_KEY(e, lit)	enc_str((e), (lit), sizeof(lit) - 1)

#endif /* WAMPD_CODEC_H */
