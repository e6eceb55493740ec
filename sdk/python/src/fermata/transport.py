# SPDX-License-Identifier: Apache-2.0
"""HTTP to one server: connections, one exchange, and the bounded repetition of a call.

It knows requests and answers, and nothing of proposals. It must never:
- show the agent's key: not in a log line, an error, a repr, or http.client's debug output;
- send the key to anyone but the server it was made for: redirects are not followed, certificates
  are always verified, and plain http is refused off this machine;
- repeat a write without its Idempotency-Key: the caller gives one key for each intended effect.

Invariants:
1. A connection carries one exchange at a time. It is taken from the idle ones, belongs to that
   thread until the whole answer is read, and goes back only then; after any failure it is closed.
2. Every wait has a limit: connecting, reading, the number of attempts, the pause between them.
3. A forked child never uses its parent's connections: two processes would read one answer.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import logging
import math
import os
import platform
import socket
import ssl
import threading
import urllib.parse
from typing import Any, Dict, List, NamedTuple, Optional

from .clock import Clock
from .errors import FermataError, Unreachable
from .version import VERSION

ANSWER_MAX_BYTES = 64 * 1024 * 1024  # a list page of 50 proposals of 1 MiB each fits
ATTEMPTS_MAX = 6  # with pauses of 0.25 to 8 s: about 8 s of a server's absence are bridged
RETRY_AFTER_MAX_S = 60.0  # a server that wants a longer pause is reported, not waited for
IDLE_MAX = 32
OUTAGE_FAILURES = 5  # in a row: from here on the repetitions are logged as warnings
USER_AGENT = f"fermata-python/{VERSION} python/{platform.python_version()}"

log = logging.getLogger("fermata")


class Address(NamedTuple):
    """Where the server is. path: the prefix before /v1, without a slash at its end."""

    secure: bool
    host: str
    port: int
    path: str

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}{self.path}"


class Answer(NamedTuple):
    """One answer of the server, wholly read."""

    status: int
    retry_after: Optional[float]
    body: bytes


def address_of(url: str, allow_http: bool) -> Address:
    """Parses the server's URL; ValueError if it is not one, or is plain http to another machine."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("the server's URL must start with https:// (or http://) and name a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the server's URL must not hold a user or a password")
    if parts.query or parts.fragment:
        raise ValueError("the server's URL must not have a query or a fragment")
    secure = parts.scheme == "https"
    if not secure and not allow_http and not _is_loopback(parts.hostname):
        raise ValueError(
            f"http to {parts.hostname} would show the key to the network: "
            "use https, or pass allow_http=True on a network that you trust"
        )
    port = parts.port or (443 if secure else 80)
    return Address(secure, parts.hostname, port, parts.path.rstrip("/"))


def checked_key(key: str) -> str:
    """The key, if it can stand in a header; the error never shows it."""
    if not isinstance(key, str):
        raise TypeError("the key must be a str")
    if not key or not all("!" <= character <= "~" for character in key):
        raise ValueError("the key must be one printable ASCII word (is there a line end in it?)")
    return key


class Transport:
    """Calls to one server with one key. Safe for threads: see invariant 1."""

    def __init__(
        self,
        url: str,
        key: str,
        timeout: float,
        allow_http: bool = False,
        ca_file: Optional[str] = None,
        clock: Optional[Clock] = None,
    ) -> None:
        if not (timeout > 0 and math.isfinite(timeout)):
            raise ValueError("timeout must be a positive number of seconds")
        self.address = address_of(url, allow_http)
        self.timeout = float(timeout)
        self.clock = clock or Clock()
        self._key = checked_key(key)
        self._tls = _verifying_context(ca_file) if self.address.secure else None
        self._idle: List[http.client.HTTPConnection] = []
        self._idle_of = os.getpid()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Transport {self.address}>"

    def call(self, method: str, path: str, body: Any = None, key: Optional[str] = None) -> Any:
        """Makes the call, repeated while it fails transiently, and returns the answer's JSON.

        key: the Idempotency-Key, the same in every attempt; a write must have one. FermataError:
        refused, or the last transient failure after ATTEMPTS_MAX attempts."""
        for failures in range(1, ATTEMPTS_MAX + 1):
            try:
                return self.once(method, path, body, key)
            except FermataError as error:
                wanted = error.retry_after or 0.0
                if not error.transient or failures == ATTEMPTS_MAX or wanted > RETRY_AFTER_MAX_S:
                    raise
                self.pause(failures, error)
        raise AssertionError("the last attempt returns or raises")

    def pause(self, failures: int, error: FermataError, at_most: float = RETRY_AFTER_MAX_S) -> None:
        """Sleeps before the next attempt: the back-off, or Retry-After where that is longer."""
        seconds = max(self.clock.back_off_s(failures), error.retry_after or 0.0)
        seconds = max(0.0, min(seconds, at_most))
        level = logging.INFO if failures < OUTAGE_FAILURES else logging.WARNING
        log.log(level, "call.repeated failures=%d pause_s=%.2f: %s", failures, seconds, error)
        self.clock.sleep(seconds)

    def once(
        self,
        method: str,
        path: str,
        body: Any = None,
        key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> Any:
        """One attempt: the answer's JSON ({} if it has no body), or FermataError.

        timeout: for each read of the socket, instead of the client's own."""
        headers = self._headers(key)
        data = None
        if body is not None:
            data = json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8")
            headers["Content-Type"] = "application/json"
        answer = self._exchange(method, self.address.path + path, data, headers, timeout)
        return _json_of(answer)

    def close(self) -> None:
        """Closes the idle connections; those in use are closed or kept by their own threads."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _headers(self, key: Optional[str]) -> Dict[str, str]:
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Accept": "application/json, application/problem+json",
            "User-Agent": USER_AGENT,
        }
        if key is not None:
            headers["Idempotency-Key"] = key
        return headers

    def _exchange(
        self,
        method: str,
        path: str,
        data: Optional[bytes],
        headers: Dict[str, str],
        timeout: Optional[float],
    ) -> Answer:
        """One request and its whole answer. Unreachable: no (whole) answer.

        A connection that was idle may have been closed by the server meanwhile, which says nothing
        about its health: that failure is answered at once by one attempt on a new connection.
        The call is safe to repeat (reads are, and writes carry their key)."""
        seconds = self.timeout if timeout is None else timeout
        connection = self._take_idle()
        if connection is not None:
            try:
                return self._ask(connection, method, path, data, headers, seconds)
            except (OSError, http.client.HTTPException) as error:
                if isinstance(error, socket.timeout):
                    raise self._unreachable(error) from error
                self.close()
        try:
            return self._ask(self._connection(), method, path, data, headers, seconds)
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        data: Optional[bytes],
        headers: Dict[str, str],
        seconds: float,
    ) -> Answer:
        """Asks on that connection; keeps it afterwards, or closes it after any failure."""
        kept = False
        try:
            if connection.sock is None:
                connection.connect()
            connection.sock.settimeout(seconds)
            connection.request(method, path, body=data, headers=headers)
            response = connection.getresponse()
            body = _whole_body(response)
            retry_after = _retry_after_s(response.getheader("Retry-After"))
            kept = not response.will_close
            return Answer(response.status, retry_after, body)
        finally:
            if kept:
                self._put_idle(connection)
            else:
                connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self.address.host, self.address.port
        connection: http.client.HTTPConnection
        if self._tls is not None:
            connection = http.client.HTTPSConnection(
                host, port, timeout=self.timeout, context=self._tls
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=self.timeout)
        connection.set_debuglevel(0)  # a program's debug level would print the Authorization header
        return connection

    def _take_idle(self) -> Optional[http.client.HTTPConnection]:
        if self._idle_of != os.getpid():
            # Invariant 3. Closing the copies ends nothing for the parent.
            self.close()
            self._idle_of = os.getpid()
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _put_idle(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if len(self._idle) < IDLE_MAX:
                self._idle.append(connection)
                return
        connection.close()

    def _unreachable(self, error: Exception) -> Unreachable:
        transient = not isinstance(error, ssl.SSLCertVerificationError)
        said = str(error) or "no answer"
        message = f"{self.address} cannot be reached: {type(error).__name__}: {said:.200}"
        return Unreachable(message, transient=transient)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _verifying_context(ca_file: Optional[str]) -> ssl.SSLContext:
    """The standard verifying context; ca_file: trust these authorities instead of the system's."""
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _whole_body(response: http.client.HTTPResponse) -> bytes:
    """Reads the answer to its end; HTTPException if it is cut short or over ANSWER_MAX_BYTES."""
    length = response.length
    if length is not None and length > ANSWER_MAX_BYTES:
        raise http.client.HTTPException(f"an answer of {length} bytes is over the limit")
    # With a known length, read() without a size is the one that notices a short body.
    body = response.read() if length is not None else response.read(ANSWER_MAX_BYTES + 1)
    if len(body) > ANSWER_MAX_BYTES:
        raise http.client.HTTPException("the answer is over the limit")
    return body


def _json_of(answer: Answer) -> Any:
    """The answer's document, or the FermataError that it stands for."""
    document, is_json = _parsed(answer.body)
    if not 200 <= answer.status < 300:
        problem = document if isinstance(document, dict) else {}
        raise FermataError.from_problem(answer.status, problem, answer.retry_after)
    if not is_json:
        raise FermataError(f"the {answer.status} answer is not JSON", status=answer.status)
    return document


def _parsed(body: bytes) -> Any:
    """(document, True), or (None, False) if the bytes are not strict JSON; ({}, True) if none."""
    if not body:
        return {}, True
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant), True
    except (ValueError, RecursionError):
        return None, False


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _retry_after_s(header: Optional[str]) -> Optional[float]:
    """RFC 9110 section 10.2.3, in seconds; None if absent or a date, which needs the wall clock."""
    if header is None or not (header.isascii() and header.isdigit()):
        return None
    return float(header[:9])
