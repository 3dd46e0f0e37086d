/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Messages that arrive in pieces.  A long one is read to where it stays.
 */
#include <string.h>

#include "assembly.h"
#include "pbuf.h"

#define MINBUF		64
#define LONG		(32 * 1024)	/* received, to be read in place */
#define LONG_GROWS	4		/* times what was received */

/* Who else has it will not let go of it, and it is no secret any more. */
void
assembly_drop(struct pbuf **pb, int wipes)
{
	if (*pb == NULL)
		return;
	if (wipes && (*pb)->refs == 1)
		explicit_bzero((*pb)->data, (*pb)->size);
	pbuf_unref(*pb);
	*pb = NULL;
}

/* As realloc(3), and leaves nothing behind if it wipes. */
static int
resize(struct pbuf **pb, size_t size, int wipes)
{
	struct pbuf	*n;

	if (*pb != NULL && !wipes) {
		if ((n = pbuf_resize(*pb, size)) == NULL)
			return (-1);
		*pb = n;
		return (0);
	}
	if ((n = pbuf_new_apart(size)) == NULL)
		return (-1);
	if (*pb != NULL) {
		memcpy(n->data, (*pb)->data, (*pb)->len);
		n->len = (*pb)->len;
		assembly_drop(pb, wipes);
	}
	*pb = n;
	return (0);
}

int
assembly_add(struct pbuf **pb, const uint8_t *p, size_t n, size_t most,
    int wipes)
{
	size_t	len = *pb != NULL ? (*pb)->len : 0;
	size_t	size = *pb != NULL ? (*pb)->size : 0;

	if (n > size - len) {
		size = size < MINBUF ? MINBUF : size * 2;
		if (size > most)
			size = most;
		if (size < len + n)
			size = len + n;
		if (resize(pb, size, wipes) == -1)
			return (-1);
	}
	if (p != (*pb)->data + len)
		memcpy((*pb)->data + len, p, n);
	(*pb)->len = len + n;
	return (0);
}

uint8_t *
assembly_room(struct pbuf **pb, size_t most, int wipes, size_t *n)
{
	size_t	size;

	if (*pb == NULL || (*pb)->len < LONG || (*pb)->len >= most)
		return (NULL);
	size = (*pb)->len * LONG_GROWS;
	if (size > most)
		size = most;
	/* once it is half full */
	if ((*pb)->size - (*pb)->len < (*pb)->len && (*pb)->size < size &&
	    resize(pb, size, wipes) == -1)
		return (NULL);
	*n = (*pb)->size - (*pb)->len;
	return (*n > 0 ? (*pb)->data + (*pb)->len : NULL);
}
