/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Log lines as JSON objects; the names of the members are told in wampd(8).
 */
#ifndef WAMPD_LOGJSON_H
#define WAMPD_LOGJSON_H

#include <stddef.h>

/* A log_form of log.h; size is at least 1024. */
void	 logjson(char *buf, size_t size, int pri, const char *process,
	    const char *text, int with_time);

#endif /* WAMPD_LOGJSON_H */
