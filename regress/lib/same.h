/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Comparing values for tests, of one serializer or of two; showing octets.
 */
#ifndef WAMPD_SAME_H
#define WAMPD_SAME_H

#include <stddef.h>

#include "codec.h"

/*
 * Are a and b equal?  With json_rules what JSON does to a value is allowed
 * for: NaN and infinities are nil, integers as keys are strings, and a
 * string of NUL and base64 in a may be binary in b.  Recurses, as deep as
 * messages are.
 */
int	 val_same(const struct val *a, const struct val *b, int json_rules);
int	 double_same(double, double);
/* Octets as text, cut if long; good for four calls. */
const char	*show(const void *, size_t);

#endif /* WAMPD_SAME_H */
