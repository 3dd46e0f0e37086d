# Linked by every program; the linker takes what a program uses.
COMMON_OBJS =	$(addprefix $(B)/obj/common/, \
		conf.o \
		conflimit.o \
		confmsg.o \
		confmsg_realm.o \
		ctlrow.o \
		hash.o \
		isotime.o \
		limit.o \
		log.o \
		metric.o \
		metricrow.o \
		chan.o \
		mono.o \
		mpput.o \
		ppt.o \
		obuf.o \
		pbuf.o \
		proc.o \
		rules.o \
		rules_tree.o \
		ruleuri.o \
		sandbox.o \
		sandbox_filter.o \
		tlsa.o \
		trim.o \
		uri.o \
		wamp.o \
		xmalloc.o \
		)

# Serializers and framings; linked by tlsproxy, wampc and wampctl only.
CODEC_OBJS =	$(addprefix $(B)/obj/common/codec/, \
		assembly.o \
		cborcur.o \
		codec.o \
		enc.o \
		http.o \
		jsoncur.o \
		jsonnum.o \
		mpcur.o \
		promtext.o \
		rawsocket.o \
		transcode.o \
		utf8.o \
		wbuf.o \
		websocket.o \
		)

# Passwords, keys and signatures: linked by keeper and wampc only (and by
# wampd for -n), never by a broker or a tlsproxy.
CRED_OBJS =	$(addprefix $(B)/obj/common/cred/, \
		cra.o \
		credtext.o \
		cryptosign.o \
		kdf.o \
		scram.o \
		usersfile.o \
		usersfile_print.o \
		userslex.o \
		)
