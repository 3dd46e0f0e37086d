# Linked by every program; the linker takes what a program uses.
COMMON_OBJS =	$(addprefix $(B)/obj/common/, \
		log.o \
		sandbox.o \
		uri.o \
		wamp.o \
		xmalloc.o \
		)

# Serializers and framings; linked by tlsproxy and wampc only.
CODEC_OBJS =	$(addprefix $(B)/obj/common/codec/, \
		rawsocket.o \
		websocket.o \
		)
