/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "msgtypes.h"
#include "ppt.h"

const char *
ppt_name(enum ppt_attr a)
{
	static const char *const names[PPT_ATTRS] = {
	    "ppt_scheme", "ppt_serializer", "ppt_cipher", "ppt_keyid"
	};

	return (names[a]);
}

size_t
ppt_write(uint8_t *buf, const struct ppt_text v[PPT_ATTRS])
{
	size_t	len = 0;
	int	i;

	if (v[PPT_SCHEME].len == 0)
		return (0);
	for (i = 0; i < PPT_ATTRS; i++) {
		if (len + sizeof(v[i].len) + v[i].len > PPT_MAXLEN)
			return (0);
		memcpy(buf + len, &v[i].len, sizeof(v[i].len));
		len += sizeof(v[i].len);
		if (v[i].len > 0)	/* p may be NULL */
			memcpy(buf + len, v[i].p, v[i].len);
		len += v[i].len;
	}
	return (len);
}

int
ppt_read(const uint8_t *p, size_t left, struct ppt_text v[PPT_ATTRS])
{
	int	i;

	if (left > PPT_MAXLEN)
		return (-1);
	for (i = 0; i < PPT_ATTRS; i++) {
		if (left < sizeof(v[i].len))
			return (-1);
		memcpy(&v[i].len, p, sizeof(v[i].len));
		p += sizeof(v[i].len);
		left -= sizeof(v[i].len);
		if (v[i].len > left)
			return (-1);
		v[i].p = (const char *)p;
		p += v[i].len;
		left -= v[i].len;
	}
	return (left == 0 && v[PPT_SCHEME].len > 0 ? 0 : -1);
}
