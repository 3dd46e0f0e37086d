/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Time that only goes forward.
 */
#ifndef WAMPD_MONO_H
#define WAMPD_MONO_H

#include <stdint.h>

uint64_t	mono_ms(void);	/* milliseconds since some point, never 0 */
uint64_t	mono_us(void);	/* microseconds since that point */

#endif /* WAMPD_MONO_H */
