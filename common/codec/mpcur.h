/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The MessagePack cursor.  mpcur.o and utf8.o are complete without the rest
 * of the codec: the broker reads the arguments of meta procedures with them.
 *
 * The three cursors have the same two entries:
 *
 * X_head() reads the head of the value at *pp and describes it in *v: a
 * scalar completely, with *pp behind it; of a container the len members are
 * missing, *pp is at the first value inside, and v->u.u is the number of
 * entries (ITEMS_UNTIL_END: up to an end mark).
 *
 * X_next() reads a whole value, checks all that is in it, and describes it.
 * depth is the number of containers around it.
 *
 * On error *pp and *v are worth nothing.
 */
#ifndef WAMPD_MPCUR_H
#define WAMPD_MPCUR_H

#include <stdint.h>

#include "codec.h"

#define ITEMS_UNTIL_END	UINT64_MAX

enum codec_err	 mp_head(const uint8_t **, const uint8_t *end, struct val *);
enum codec_err	 mp_next(const uint8_t **, const uint8_t *end,
		    unsigned int depth, struct val *);

/*
 * As codec_split(), codec_check(), codec_values(), val_array_next() and
 * val_map_next();
 * val_iter_init() is in mpcur.o, too.
 */
enum codec_err	 mp_split(const uint8_t *, size_t, struct val *, size_t max,
		    size_t *n);
enum codec_err	 mp_check(const uint8_t *, size_t, struct val *);
enum codec_err	 mp_values(const uint8_t *, size_t, struct val *, size_t n);
int		 mp_array_next(struct val_iter *, struct val *);
int		 mp_map_next(struct val_iter *, struct val *, struct val *);

#endif /* WAMPD_MPCUR_H */
