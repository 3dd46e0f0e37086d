/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * An output queue: a list of segments, each a part of a pbuf.  Small writes
 * go to the current chunk, of which several segments may be parts, with
 * shared payloads between them; those are never written to.
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "obuf.h"
#include "pbuf.h"

#define OBUF_IOV	64

struct oseg {
	struct oseg	*next;
	struct pbuf	*pb;		/* a reference of ours */
	size_t		 off, len;	/* what waits of it */
	int		 fd;		/* to be sent with the first octet, -1 */
	int		 is_shared;	/* others may still have to read it */
};

void
obuf_init(struct obuf *o, size_t chunk, int keeps)
{
	memset(o, 0, sizeof(*o));
	o->chunk = chunk;
	o->keeps = keeps;
}

static void
oseg_free(struct oseg *s)
{
	if (s->fd != -1)
		close(s->fd);
	pbuf_unref(s->pb);
	free(s);
}

void
obuf_free(struct obuf *o)
{
	struct oseg	*s;

	while ((s = o->head) != NULL) {
		o->head = s->next;
		if (o->wipes && !s->is_shared)
			explicit_bzero(s->pb->data + s->off, s->len);
		oseg_free(s);
	}
	o->tail = NULL;
	o->bytes = 0;
	pbuf_unref(o->cur);
	o->cur = NULL;
}

static void
obuf_append(struct obuf *o, struct oseg *s)
{
	s->next = NULL;
	if (o->tail != NULL)
		o->tail->next = s;
	else
		o->head = s;
	o->tail = s;
}

/* A new segment at the end; takes the reference of pb. */
static struct oseg *
obuf_add_seg(struct obuf *o, struct pbuf *pb, size_t off, size_t len)
{
	struct oseg	*s;

	if ((s = malloc(sizeof(*s))) == NULL)
		return (NULL);
	s->pb = pb;
	s->off = off;
	s->len = len;
	s->fd = -1;
	s->is_shared = 0;
	obuf_append(o, s);
	return (s);
}

/* The current chunk, with room for n octets; or NULL. */
static struct pbuf *
obuf_chunk(struct obuf *o, size_t n)
{
	struct pbuf	*pb = o->cur;

	if (pb != NULL && pb->size - pb->len >= n)
		return (pb);
	if ((pb = pbuf_new(n > o->chunk ? n : o->chunk)) == NULL)
		return (NULL);
	pbuf_unref(o->cur);
	o->cur = pb;
	return (pb);
}

uint8_t *
obuf_room(struct obuf *o, size_t n)
{
	struct oseg	*s = o->tail;
	struct pbuf	*pb;
	uint8_t		*p;

	if ((pb = obuf_chunk(o, n)) == NULL)
		return (NULL);
	if (s == NULL || s->pb != pb || s->off + s->len != pb->len) {
		s = obuf_add_seg(o, pbuf_ref(pb), pb->len, 0);
		if (s == NULL) {
			pbuf_unref(pb);
			return (NULL);
		}
	}
	p = pb->data + pb->len;
	pb->len += n;
	s->len += n;
	o->bytes += n;
	return (p);
}

int
obuf_add(struct obuf *o, const void *data, size_t len)
{
	uint8_t	*p;

	if (len == 0)
		return (0);
	if ((p = obuf_room(o, len)) == NULL)
		return (-1);
	memcpy(p, data, len);
	return (0);
}

int
obuf_add_pbuf(struct obuf *o, struct pbuf *pb, size_t off, size_t len)
{
	struct oseg	*s;

	if (len < OBUF_COPY)
		return (obuf_add(o, pb->data + off, len));
	if ((s = obuf_add_seg(o, pbuf_ref(pb), off, len)) == NULL) {
		pbuf_unref(pb);
		return (-1);
	}
	s->is_shared = 1;
	o->bytes += len;
	return (0);
}

int
obuf_add_fd(struct obuf *o, const void *data, size_t len, int fd)
{
	struct oseg	*s;
	struct pbuf	*pb;

	if ((pb = pbuf_new(len)) == NULL)
		return (-1);
	memcpy(pb->data, data, len);
	pb->len = len;
	if ((s = obuf_add_seg(o, pb, 0, len)) == NULL) {
		pbuf_unref(pb);
		return (-1);
	}
	s->fd = fd;
	o->bytes += len;
	return (0);
}

size_t
obuf_peek(const struct obuf *o, uint8_t *buf, size_t size, const uint8_t **p)
{
	const struct oseg	*s = o->head;
	size_t			 n, len = 0;

	if (s == NULL)
		return (0);
	if (s->next == NULL || s->len >= size) {
		*p = s->pb->data + s->off;
		return (s->len);
	}
	for (; s != NULL && len < size; s = s->next) {
		n = s->len < size - len ? s->len : size - len;
		memcpy(buf + len, s->pb->data + s->off, n);
		len += n;
	}
	*p = buf;
	return (len);
}

/* The chunk begins anew, or is given back. */
static void
obuf_is_empty(struct obuf *o)
{
	if (o->keeps && o->cur->refs == 1 && o->cur->size == o->chunk) {
		o->cur->len = 0;
		return;
	}
	pbuf_unref(o->cur);
	o->cur = NULL;
}

void
obuf_drain(struct obuf *o, size_t n)
{
	struct oseg	*s;

	o->bytes -= n;
	while (n > 0 || (o->head != NULL && o->head->len == 0)) {
		s = o->head;
		if (o->wipes && !s->is_shared)
			explicit_bzero(s->pb->data + s->off,
			    n < s->len ? n : s->len);
		if (n < s->len) {
			s->off += n;
			s->len -= n;
			return;
		}
		n -= s->len;
		o->head = s->next;
		if (o->head == NULL)
			o->tail = NULL;
		oseg_free(s);
	}
	if (o->head == NULL && o->cur != NULL)
		obuf_is_empty(o);
}

/* The head segment alone, its descriptor attached to the first octet. */
static ssize_t
obuf_sendmsg(struct obuf *o, int fd)
{
	struct oseg	*s = o->head;
	struct iovec	 iov;
	struct msghdr	 msg;
	struct cmsghdr	*cmsg;
	ssize_t		 n;
	union {
		struct cmsghdr	hdr;
		uint8_t		buf[CMSG_SPACE(sizeof(int))];
	} ctl;

	memset(&msg, 0, sizeof(msg));
	memset(&ctl, 0, sizeof(ctl));
	iov.iov_base = s->pb->data + s->off;
	iov.iov_len = s->len;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = ctl.buf;
	msg.msg_controllen = sizeof(ctl.buf);
	cmsg = CMSG_FIRSTHDR(&msg);
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(cmsg), &s->fd, sizeof(int));
	if ((n = sendmsg(fd, &msg, MSG_NOSIGNAL)) > 0) {
		close(s->fd);
		s->fd = -1;
	}
	return (n);
}

static ssize_t
obuf_writev(struct obuf *o, int fd)
{
	struct iovec	 iov[OBUF_IOV];
	struct oseg	*s;
	int		 n = 0;

	for (s = o->head; s != NULL && n < OBUF_IOV; s = s->next) {
		if (s->fd != -1)
			break;
		iov[n].iov_base = s->pb->data + s->off;
		iov[n].iov_len = s->len;
		n++;
	}
	if (n == 1 && o->sends)
		return (send(fd, iov[0].iov_base, iov[0].iov_len,
		    MSG_NOSIGNAL));
	return (writev(fd, iov, n));
}

int
obuf_write(struct obuf *o, int fd)
{
	ssize_t	n;

	while (o->bytes > 0) {
		if (o->head->fd != -1)
			n = obuf_sendmsg(o, fd);
		else
			n = obuf_writev(o, fd);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return (0);
		if (n <= 0)
			return (-1);
		obuf_drain(o, (size_t)n);
	}
	return (1);
}
