/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A log line is one JSON object whatever is in it, as another library reads
 * it, and only our own forms of lines give it members.
 */
#include <err.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "../../wampd/logjson.h"

#define SIZE	4088

static char	line[SIZE];

static json_t *
object(int pri, const char *process, const char *text, int with_time)
{
	json_error_t	 e;
	json_t		*o;
	const char	*p;

	memset(line, 'X', sizeof(line));
	logjson(line, sizeof(line), pri, process, text, with_time);
	for (p = line; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
			errx(1, "octet %02x in %s", (unsigned char)*p, line);
	if ((o = json_loads(line, JSON_REJECT_DUPLICATES, &e)) == NULL ||
	    !json_is_object(o))
		errx(1, "%s: %s", e.text, line);
	return (o);
}

/* want: the members as text, in their order. */
static void
expect(const char *process, const char *text, const char *want)
{
	json_t	*o = object(LOG_INFO, process, text, 0);
	char	 all[SIZE];

	snprintf(all, sizeof(all), "{\"level\":\"info\",\"process\":\"%s\"%s",
	    process, want);
	if (strncmp(line, all, strlen(all)) != 0 ||
	    strncmp(line + strlen(all), ",\"message\":\"", 12) != 0)
		errx(1, "got %s, want %s", line, all);
	if (strcmp(json_string_value(json_object_get(o, "message")), text) !=
	    0)
		errx(1, "%s: is not the message of %s", text, line);
	json_decref(o);
}

static void
forms(void)
{
	expect("tlsproxy 0", "session 8123 joined realm=r authid=a role=b "
	    "method=ticket address=[::1]:5 transport=websocket "
	    "serializer=json proxy=0", ",\"event\":\"joined\","
	    "\"session\":8123,\"realm\":\"r\",\"authid\":\"a\","
	    "\"role\":\"b\",\"method\":\"ticket\",\"address\":\"[::1]:5\","
	    "\"transport\":\"websocket\",\"serializer\":\"json\","
	    "\"proxy\":0");
	expect("tlsproxy 1", "session 1 left realm=r authid=a role=b "
	    "address=1.2.3.4:5 reason=\"a b\"", ",\"event\":\"left\","
	    "\"session\":1,\"realm\":\"r\",\"authid\":\"a\",\"role\":\"b\","
	    "\"address\":\"1.2.3.4:5\",\"reason\":\"a b\"");
	expect("keeper", "auth failed realm=r authid= method=wampcra "
	    "address=1.2.3.4:5 reason=\"unknown\"",
	    ",\"event\":\"auth_failed\",\"realm\":\"r\",\"authid\":\"\","
	    "\"method\":\"wampcra\",\"address\":\"1.2.3.4:5\","
	    "\"reason\":\"unknown\"");
	expect("tlsproxy 0", "bad frame address=x reason=\"y\" limit=17",
	    ",\"event\":\"bad_frame\",\"address\":\"x\",\"reason\":\"y\","
	    "\"limit\":17");
	expect("wampd", "admin act=kill uid=0 pid=12 what=\"session 3\"",
	    ",\"event\":\"admin\",\"act\":\"kill\",\"uid\":0,\"pid\":12,"
	    "\"what\":\"session 3\"");
	expect("wampd", "admin act=reload signal=HUP",
	    ",\"event\":\"admin\",\"act\":\"reload\",\"signal\":\"HUP\"");
	expect("broker 0", "limits session calls reached session=7 realm=r "
	    "authid=a", ",\"event\":\"limit_reached\","
	    "\"name\":\"session calls\",\"session\":7,"
	    "\"realm\":\"r\",\"authid\":\"a\"");
	expect("tlsproxy 0", "limits reached reached address=x",
	    ",\"event\":\"limit_reached\",\"name\":\"reached\","
	    "\"address\":\"x\"");
	/* what only looks like them */
	expect("broker 0", "limits memory reached: 5 events", "");
	expect("broker 0", "limits  reached", "");
	expect("broker 0", "limits a=b reached c=d", "");
	expect("wampd", "ready", "");
	expect("tlsproxy 0", "session 1 left while it was slow: 3 events were "
	    "dropped", "");
	expect("tlsproxy 0", "session 1 is slow: a=b", "");
	expect("tlsproxy 0", "session x joined realm=r", "");
	expect("tlsproxy 0", "session 01 joined realm=r", "");
	expect("tlsproxy 0", "session 12345678901234567 joined realm=r", "");
	expect("tlsproxy 0", "joined realm=r", "");
	expect("tlsproxy 0", "session 1 refused realm=r", "");
	expect("x", "refusedrealm=r", "");
}

/* A child that was taken over, and what clients send through vis(3). */
static void
injections(void)
{
	expect("tlsproxy 0", "session 4 left session=5 reason=x",
	    ",\"event\":\"left\",\"session\":4,\"reason\":\"x\"");
	expect("tlsproxy 0", "refused realm=a realm=b level=crit process=p "
	    "message=m time=t event=admin name=n reason=c",
	    ",\"event\":\"refused\",\"realm\":\"a\",\"reason\":\"c\"");
	expect("tlsproxy 0", "refused limit=1e9 pid=-1 uid=007 proxy=1,2 "
	    "address=x", ",\"event\":\"refused\",\"address\":\"x\"");
	expect("tlsproxy 0", "refused realm=a\",\"x\":\"b reason=\\\"",
	    ",\"event\":\"refused\",\"realm\":\"a\\\",\\\"x\\\":\\\"b\","
	    "\"reason\":\"\\\\\\\"\"");
	expect("tlsproxy 0", "refused realm=\\r\\n\\033[2J\\sx reason=\"a\\\" "
	    "realm=b\" text=\"c", ",\"event\":\"refused\","
	    "\"realm\":\"\\\\r\\\\n\\\\033[2J\\\\sx\","
	    "\"reason\":\"a\\\\\\\" realm=b\"");
	expect("tlsproxy 0", "refused realm=\"a\"b reason=c",
	    ",\"event\":\"refused\"");
	expect("tlsproxy 0", "refused reason=\"\\", "");
	expect("x", "\"", "");
	expect("x", "\\", "");
	expect("x", "", "");
}

/* Control characters and what is not ASCII: none of it is sent on. */
static void
octets(void)
{
	json_t		*o;
	char		 text[300];
	const char	*m;
	size_t		 i;

	for (i = 0; i < 255; i++)
		text[i] = (char)(i + 1);
	text[i] = '\0';
	o = object(LOG_WARNING, "wampd", text, 1);
	m = json_string_value(json_object_get(o, "message"));
	if (strncmp(m, text, 0x7e) != 0 ||
	    strncmp(m + 0x7e, "\\177\\200", 8) != 0 ||
	    strcmp(m + strlen(m) - 4, "\\377") != 0)
		errx(1, "octets: got %s", line);
	if (strcmp(json_string_value(json_object_get(o, "level")),
	    "warning") != 0 || strlen(json_string_value(json_object_get(o,
	    "time"))) != 24)
		errx(1, "level or time: got %s", line);
	json_decref(o);
}

/* Too much of it is cut, never the object. */
static void
lengths(void)
{
	static const char	 fill[] = "a\"\\\n\377";
	char			*text;
	size_t			 i, n, max = 6000;

	if ((text = calloc(1, max + 64)) == NULL)
		err(1, NULL);
	for (i = 0; i < sizeof(fill) - 1; i++)
		for (n = 0; n < max; n += 97) {
			strlcpy(text, "refused reason=", max);
			memset(text + 15, fill[i], n);
			strlcpy(text + 15 + n, " realm=r", 16);
			json_decref(object(LOG_DEBUG, "tlsproxy 31", text,
			    1));
			if (strlen(line) > SIZE - 1)
				errx(1, "%zu octets", strlen(line));
		}
	free(text);
}

int
main(void)
{
	forms();
	injections();
	octets();
	lengths();
	printf("ok - lines in JSON\n");
	return (0);
}
