# Programs of regress/hostile: what a child would be that somebody took over.

HOSTILE_PROGRAMS = $(addprefix $(B)/regress/hostile/, inject)

hostile-programs: $(HOSTILE_PROGRAMS)

$(B)/regress/hostile/%: $(B)/obj/regress/hostile/%.o $(B)/lib/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(B)/lib/libcommon.a $(LIBS_EVENT) \
		$(LIBS_SECCOMP) $(LIBS_BSD)

.PHONY: hostile-programs
