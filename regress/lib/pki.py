# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Certificate authorities for tests of client certificates: what they issue,
# revoke and forget to renew.
#
#	ca = CA(d, 'one')
#	cert = ca.issue('sensor-7', sans=['dns:a.example.org'])
#	ca.write_crl(path, [cert])
#	Client(address, tls=context(server_crt, cert))

import datetime
import ipaddress
import os
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

TYPES = {'CN': NameOID.COMMON_NAME, 'O': NameOID.ORGANIZATION_NAME,
         'OU': NameOID.ORGANIZATIONAL_UNIT_NAME, 'C': NameOID.COUNTRY_NAME,
         'emailAddress': NameOID.EMAIL_ADDRESS}
CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER_AUTH = ExtendedKeyUsageOID.SERVER_AUTH
DAY = datetime.timedelta(1)


def days(n):
    return datetime.datetime.utcnow() + n * DAY


def new_key(kind):
    if kind == 'rsa':
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(
        {'ec': ec.SECP256R1, 'p384': ec.SECP384R1}[kind]())


def make_name(parts):
    """'CN', or [(type, value), ...], or [[(type, value), ...], ...] where
    an inner list is one RDN."""
    if isinstance(parts, str):
        parts = [('CN', parts)]
    rdns = []
    for p in parts:
        rdn = p if isinstance(p, list) else [p]
        rdns.append(x509.RelativeDistinguishedName(
            [x509.NameAttribute(TYPES[t], v, _validate=False)
             if t == 'C' else x509.NameAttribute(TYPES[t], v)
             for t, v in rdn]))
    return x509.Name(rdns)


def make_san(text):
    kind, _, value = text.partition(':')
    return {'dns': x509.DNSName, 'email': x509.RFC822Name,
            'uri': x509.UniformResourceIdentifier,
            'ip': lambda v: x509.IPAddress(ipaddress.ip_address(v)),
            'rid': lambda v: x509.RegisteredID(x509.ObjectIdentifier(v)),
            }[kind](value)


def pem(cert):
    return cert.public_bytes(serialization.Encoding.PEM)


class Cert:
    """A certificate and its key in files: crt (with what is below the root)
    and key."""

    def __init__(self, cert, key, base, chain=()):
        self.cert = cert
        self.private = key
        self.crt = base + '.crt'
        self.key = base + '.key'
        with open(self.crt, 'wb') as f:
            f.write(b''.join(pem(c) for c in [cert] + list(chain)))
        fd = os.open(self.key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, 'wb') as f:
            f.write(key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()))
        self.fingerprint = cert.fingerprint(hashes.SHA256()).hex()


class CA:
    """A root, or with issuer an intermediate."""

    def __init__(self, directory, name, issuer=None, kind='ec', end=30,
                 may_sign_crls=True):
        self.dir = directory
        self.name = make_name(name)
        self.key = new_key(kind)
        self.issuer = issuer
        self.n = 0
        signer = self if issuer is None else issuer
        usage = x509.KeyUsage(False, False, False, False, False, True,
                              may_sign_crls, False, False)
        self.cert = (x509.CertificateBuilder().subject_name(self.name)
                     .issuer_name(signer.name)
                     .public_key(self.key.public_key())
                     .serial_number(x509.random_serial_number())
                     .not_valid_before(days(-60)).not_valid_after(days(end))
                     .add_extension(x509.BasicConstraints(True, None), True)
                     .add_extension(usage, True)
                     .sign(signer.key, hashes.SHA256()))
        self.crt = os.path.join(directory, 'ca-%s.crt' % name)
        with open(self.crt, 'wb') as f:
            f.write(pem(self.cert))

    def issue(self, subject, sans=(), kind='ec', begin=-1, end=30,
              usage=CLIENT_AUTH):
        """begin, end: days from now."""
        self.n += 1
        key = new_key(kind)
        b = (x509.CertificateBuilder().subject_name(make_name(subject))
             .issuer_name(self.name).public_key(key.public_key())
             .serial_number(x509.random_serial_number())
             .not_valid_before(days(begin)).not_valid_after(days(end)))
        if sans:
            b = b.add_extension(x509.SubjectAlternativeName(
                [make_san(s) for s in sans]), False)
        if usage:
            b = b.add_extension(x509.ExtendedKeyUsage([usage]), False)
        base = self.crt[:-len('.crt')] + '-%d' % self.n
        chain = [] if self.issuer is None else [self.cert]
        return Cert(b.sign(self.key, hashes.SHA256()), key, base, chain)

    def crl(self, revoked=(), begin=-1, end=30):
        """PEM."""
        b = (x509.CertificateRevocationListBuilder().issuer_name(self.name)
             .last_update(days(begin)).next_update(days(end)))
        for c in revoked:
            b = b.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(c.cert.serial_number)
                .revocation_date(days(-1)).build())
        return pem(b.sign(self.key, hashes.SHA256()))


def write(path, *parts):
    """PEM octets, or the certificates of CAs: one file."""
    with open(path, 'wb') as f:
        for p in parts:
            f.write(p if isinstance(p, bytes) else pem(p.cert))
    return path


def context(server_crt, cert=None, version=None):
    """A client's: believes that server, has that certificate."""
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.load_verify_locations(server_crt)
    if cert is not None:
        c.load_cert_chain(cert.crt, cert.key)
    if version is not None:
        c.minimum_version = c.maximum_version = version
    return c
