/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The attributes of Payload Passthru Mode as they travel in imsgs: four
 * texts, each its length (uint16_t) and its octets, in the order below.
 */
#ifndef WAMPD_PPT_H
#define WAMPD_PPT_H

#include <stddef.h>
#include <stdint.h>

enum ppt_attr {
	PPT_SCHEME = 0,
	PPT_SERIALIZER,
	PPT_CIPHER,
	PPT_KEYID
};
#define PPT_ATTRS	4

/* One attribute; no length: it is not there. */
struct ppt_text {
	const char	*p;
	uint16_t	 len;
};

const char	*ppt_name(enum ppt_attr);	/* "ppt_scheme" */
/*
 * Write them: the octets written, at most PPT_MAXLEN (msgtypes.h), or 0 if
 * they do not fit or there is no scheme, without which the mode is not in use.
 */
size_t		 ppt_write(uint8_t *, const struct ppt_text[PPT_ATTRS]);
/* Read them: 0, or -1 for what ppt_write() did not write.  The texts are not
 * checked to be UTF-8. */
int		 ppt_read(const uint8_t *, size_t, struct ppt_text[PPT_ATTRS]);

#endif /* WAMPD_PPT_H */
