#!/bin/sh
#
# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# make run: a wampd to play with.  Built before, it gets a CA and a certificate
# of its own under run/, and stays in the foreground with TLS on 127.0.0.1:8443,
# a Unix socket and a control socket.  Nothing outside this folder is changed,
# but as root for packages and wampd's users.
#
# run/ is made anew when it is removed; what you change there stays.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
run=$top/run
port=${PORT:-8443}
is_root() {
	[ "$(id -u)" -eq 0 ]
}

# A CA that lives as long as this folder, and a certificate for localhost.
make_certificate() {
	[ -f "$run/tls/server.crt" ] &&
	    openssl x509 -checkend 86400 -noout -in "$run/tls/server.crt" \
		>/dev/null 2>&1 && return 0
	echo "making a throw-away CA and a certificate in run/tls"
	(
		umask 077
		mkdir -p "$run/tls"
		cd "$run/tls"
		openssl req -x509 -nodes -newkey ec \
		    -pkeyopt ec_paramgen_curve:prime256v1 -days 30 \
		    -subj "/CN=wampd throw-away CA" \
		    -addext "keyUsage=critical,keyCertSign" \
		    -keyout ca.key -out ca.crt
		openssl req -nodes -newkey ec \
		    -pkeyopt ec_paramgen_curve:prime256v1 \
		    -subj "/CN=localhost" -keyout server.key -out server.csr
		printf '%s\n' 'basicConstraints=CA:FALSE' \
		    'extendedKeyUsage=serverAuth' \
		    'subjectAltName=DNS:localhost,IP:127.0.0.1' >ext
		openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key \
		    -CAcreateserial -days 30 -extfile ext -out server.crt
		# it has signed all that it ever will
		rm -f ca.key server.csr ext ca.srl
	) 2>"$run/openssl.log" || {
		cat "$run/openssl.log" >&2
		exit 1
	}
	chmod 755 "$run/tls"
	chmod 644 "$run/tls/ca.crt" "$run/tls/server.crt"
}

write_conf() {
	[ -f "$run/wampd.conf" ] && return 0
	cat >"$run/wampd.conf" <<CONF
# Made by "make run" and yours to change: see wampd.conf(5).
control socket "$run/control.sock"
listen on socket "$run/sock/wampd.sock" mode 0666
listen on 127.0.0.1 port $port tls { keypair "localhost" }

keypair "localhost" {
	certificate "$run/tls/server.crt"
	key "$run/tls/server.key"
}

realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
CONF
	chmod 644 "$run/wampd.conf"
}

show_first_steps() {
	cat <<TEXT

In other terminals, in this folder:

  sock=$run/sock/wampd.sock
  build/bin/wampc -s \$sock subscribe com.example.hello
  build/bin/wampc -s \$sock publish com.example.hello '"Hello"' from=me
  build/bin/wampc -s \$sock register com.example.add -- python3 -c \\
      'import json, sys; print(sum(json.load(sys.stdin)["args"]))'
  build/bin/wampc -s \$sock call com.example.add 2 3

The same over TLS, verified against the throw-away CA:

  build/bin/wampc -u rss://localhost:$port --cafile $run/tls/ca.crt \\
      subscribe com.example.hello

What it is doing, and what can be asked and told (man man/wampctl.8):

  build/sbin/wampctl -s $run/control.sock show sessions

WebSocket: wss://localhost:$port/ (JSON, MessagePack, CBOR), realm realm1.
From Python and JavaScript: man man/wampd-clients.7
Stop it with ^C.

TEXT
}

start() {
	umask 022
	mkdir -p "$run/sock"
	chmod 755 "$run" "$run/sock"
	make_certificate
	write_conf
	if is_root; then
		make -s -C "$top" install-host RUNDIR="$run" >/dev/null
	fi
	show_first_steps
	exec "$top/build/sbin/wampd" -d -f "$run/wampd.conf"
}

start
