#!/bin/sh
#
# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# usage: certs.sh directory
#
# Makes a throw-away CA and what tests of keys and TLS need, as NAME.crt and
# NAME.key: certificates of each kind that wampd takes, and of several that
# it must refuse.  NAME.ocsp: the CA's OCSP response for it.

set -eu
umask 077
mkdir -p "$1"
cd "$1"

: >index
echo 1000 >serial
cat >ca.cnf <<'END'
[ca]
default_ca = own
[own]
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = dn
prompt = no
[dn]
CN = unused
END

quiet() {
	"$@" >out 2>&1 || { cat out >&2; exit 1; }
}

# genkey type file
genkey() {
	case $1 in
	rsapss)	quiet openssl genpkey -algorithm rsa-pss \
		    -pkeyopt rsa_keygen_bits:2048 -out "$2" ;;
	rsa*)	quiet openssl genrsa -out "$2" "${1#rsa}" ;;
	p256)	quiet openssl ecparam -name prime256v1 -genkey -noout -out "$2" ;;
	p384)	quiet openssl ecparam -name secp384r1 -genkey -noout -out "$2" ;;
	p521)	quiet openssl ecparam -name secp521r1 -genkey -noout -out "$2" ;;
	compressed)
		quiet openssl ecparam -name prime256v1 -genkey -noout \
		    -conv_form compressed -out "$2" ;;
	ed25519) quiet openssl genpkey -algorithm ed25519 -out "$2" ;;
	esac
}

# sign name subject names [begin end]: NAME.key's certificate, with its chain
sign() {
	quiet openssl req -new -key "$1.key" -subj "/CN=$2" -config ca.cnf \
	    ${3:+-addext "subjectAltName=$3"} -out "$1.csr"
	quiet openssl ca -batch -notext -config ca.cnf -cert ca.crt \
	    -keyfile ca.key -in "$1.csr" -out "$1.crt" \
	    -startdate "${4:-20200101000000Z}" -enddate "${5:-20991231235959Z}"
	cat ca.crt >>"$1.crt"
	rm -f "$1.csr"
}

# make name type names: key and certificate
make() {
	genkey "$2" "$1.key"
	sign "$1" "$1" "$3"
}

staple() {
	quiet openssl ocsp -index index -CA ca.crt -rsigner ca.crt \
	    -rkey ca.key -issuer ca.crt -cert "$1.crt" -reqout req.der
	quiet openssl ocsp -index index -CA ca.crt -rsigner ca.crt \
	    -rkey ca.key -reqin req.der -respout "$1.ocsp" -ndays 30
	rm -f req.der
}

genkey p256 ca.key
quiet openssl req -x509 -new -key ca.key -subj "/CN=wampd test CA" \
    -config ca.cnf -days 3650 -addext "basicConstraints=critical,CA:TRUE" \
    -out ca.crt

make rsa2048 rsa2048 "DNS:rsa2048.example.org,DNS:localhost"
make rsa3072 rsa3072 "DNS:rsa3072.example.org"
make p256 p256 "DNS:p256.example.org,DNS:*.wild.example.org"
make p384 p384 "DNS:p384.example.org"
make compressed compressed "DNS:compressed.example.org"
staple rsa2048
staple p256

# a second one for a name that p256 has, one hidden behind its wildcard,
# and one that has a common name only
make clash p256 "DNS:other.example.org,DNS:P256.example.ORG"
make hidden p256 "DNS:a.wild.example.org"
genkey p256 cn.key
sign cn p384.example.org ""

# nothing that wampd takes
make rsa1024 rsa1024 "DNS:rsa1024.example.org"
make rsapss rsapss "DNS:rsapss.example.org"
make p521 p521 "DNS:p521.example.org"
make ed25519 ed25519 "DNS:ed25519.example.org"
openssl ec -in p256.key -aes128 -passout pass:secret -out locked.key \
    2>/dev/null
cp p256.crt locked.crt
echo "not PEM" >garbage.key
echo "not PEM" >garbage.crt

# what it takes with a warning
genkey p256 expired.key
sign expired expired "DNS:expired.example.org" 20200101000000Z 20210101000000Z
genkey p256 early.key
sign early early "DNS:early.example.org" 20980101000000Z 20991231235959Z

rm -f out 10*.pem
