# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Who asks the metrics process: by HTTP, over TCP or a Unix socket.

import http.client
import socket

from daemon import SAN


class Connection(http.client.HTTPConnection):
    """address: the path of a socket, or (host, port)."""

    def __init__(self, address, timeout=20):
        self.address = address
        super().__init__('localhost', timeout=timeout * (3 if SAN else 1))

    def connect(self):
        if isinstance(self.address, str):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(self.timeout)
            self.sock.connect(self.address)
        else:
            self.sock = socket.create_connection(self.address, self.timeout)


def get(address, path, method='GET', body=None, timeout=20):
    """(status, headers with small names, text)"""
    c = Connection(address, timeout)
    try:
        c.request(method, path, body)
        r = c.getresponse()
        return r.status, {k.lower(): v for k, v in r.getheaders()}, \
            r.read().decode()
    finally:
        c.close()
