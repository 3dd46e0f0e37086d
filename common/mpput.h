/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * MessagePack, written into a buffer of the caller's: for processes that
 * have something to say in it and must not hold the serializers.  What does
 * not fit makes "failed" true, and nothing is written from then on.
 */
#ifndef WAMPD_MPPUT_H
#define WAMPD_MPPUT_H

#include <stddef.h>
#include <stdint.h>

struct mpput {
	uint8_t		*p;
	size_t		 len, size;
	int		 failed;
};

void	 mpput_init(struct mpput *, void *, size_t);
/* n entries follow; of a map, n keys with their values. */
void	 mpput_array(struct mpput *, uint32_t n);
void	 mpput_map(struct mpput *, uint32_t n);
void	 mpput_nil(struct mpput *);
void	 mpput_bool(struct mpput *, int);
void	 mpput_uint(struct mpput *, uint64_t);
void	 mpput_double(struct mpput *, double);
void	 mpput_str(struct mpput *, const void *, size_t);	/* UTF-8 */
void	 mpput_text(struct mpput *, const char *);	/* NUL-terminated */
void	 mpput_bin(struct mpput *, const void *, size_t);
/* Values that are MessagePack already. */
void	 mpput_raw(struct mpput *, const void *, size_t);

#endif /* WAMPD_MPPUT_H */
