# SPDX-License-Identifier: Apache-2.0
"""A server in this process that speaks the wire, for agents, as far as the client can tell.

It keeps the promises that the client leans on: idempotent writes, one redemption for a permit, no
decision before the release. And it breaks connections on request, at the worst moments. It parks
no poll: time is virtual, so a poll that finds nothing moves the clock on and answers at once.

State outlives stop() and start(), as it would on disk.
"""

from __future__ import annotations

import base64
import http.server
import json
import re
import socket
import threading
import urllib.parse
from typing import NamedTuple

from fermata.values import canonical_sha256

DROP = "drop"  # close the connection before the request is handled
LOSE = "lose"  # handle it, then close the connection instead of answering
CUT = "cut"  # handle it, and send half of the answer
NOT_JSON = "not json"  # handle it, and answer 200 with a page of HTML

TITLES = {404: "not-found", 409: "permit-used", 422: "invalid-argument", 503: "overloaded"}


class Seen(NamedTuple):
    """One request as it arrived. sent_as: the connection that it came over, counted from 1."""

    method: str
    path: str
    key: str
    body: object
    authorization: str
    sent_as: int


class FakeServer:
    """on_propose(proposal) and on_poll(proposal) are the reviewer: they may call decide()."""

    def __init__(self, clock):
        self.clock = clock
        self.seen = []
        self.proposals = {}
        self.redeemed = set()
        self.faults = []
        self.on_propose = lambda proposal: None
        self.on_poll = lambda proposal: None
        self.redeem_answer = {}
        self.page_size = 2
        self.parks = True
        self.port = 0
        self._answers = {}
        self._lock = threading.RLock()
        self._sockets = set()
        self._connections = 0
        self._http = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self, tls=None):
        """Listens on a port of the kernel's choice; after stop(), on the same one again."""
        owner = self

        class Bound(Handler):
            server_of = owner

        self._http = Listener(("127.0.0.1", self.port), Bound)
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self):
        """Stops listening and breaks every open connection."""
        if self._http is None:
            return
        listener, self._http = self._http, None
        listener.shutdown()
        listener.server_close()
        self.break_connections()

    def break_connections(self):
        """Closes the connections that clients keep open, as a proxy does with idle ones."""
        with self._lock:
            for connection in self._sockets:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def fail(self, path, *faults):
        """The next requests whose `METHOD path` matches fail so: DROP ... or (status, headers)."""
        self.faults += [(re.compile(path), fault) for fault in faults]

    def decide(self, proposal, status, arguments=None, reason="", by="ana", **members):
        """Decides and releases, with a permit for the approved arguments."""
        final = proposal["arguments"] if arguments is None else arguments
        proposal["status"] = status
        proposal["decision"] = {
            "by": {"kind": "reviewer", "id": "rev_1", "name": by},
            "arguments": final,
            "reason": reason,
            **members,
        }
        if status == "approved":
            proposal["permit"] = permit_for(proposal)

    def writes(self, path=""):
        """The POST requests whose path ends so."""
        return [s for s in self.seen if s.method == "POST" and s.path.endswith(path)]

    # Called by the handler's threads.

    def take_fault(self, line):
        with self._lock:
            for index, (pattern, fault) in enumerate(self.faults):
                if pattern.search(line):
                    del self.faults[index]
                    return fault
        return None

    def connected(self, connection):
        with self._lock:
            self._sockets.add(connection)
            self._connections += 1
            return self._connections

    def disconnected(self, connection):
        with self._lock:
            self._sockets.discard(connection)

    def handle(self, method, path, key, body):
        """(status, headers, answer); a write that was seen before is answered as before."""
        with self._lock:
            if method == "GET":
                return self._read(path)
            if not key:
                return 422, {}, problem(422, "no Idempotency-Key")
            before = self._answers.get((path, key))
            if before is not None and before[0] != body:
                return 422, {}, problem(422, "another body", "idempotency-mismatch")
            if before is not None:
                return before[1], {"Idempotent-Replay": "true"}, before[2]
            status, answer = self._write(path, body)
            self._answers[(path, key)] = (body, status, json.loads(json.dumps(answer)))
            return status, {}, answer

    def _read(self, path):
        url = urllib.parse.urlsplit(path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path == "/v1/proposals":
            return 200, {}, self._page(query)
        proposal = self.proposals.get(url.path.rpartition("/")[2])
        if proposal is None:
            return 404, {}, problem(404, "no such proposal")
        if "wait" in query and proposal["status"] == "pending":
            self.on_poll(proposal)
            if proposal["status"] == "pending" and self.parks:
                self.clock.advance(int(query["wait"].rstrip("s")))
        return 200, {}, proposal

    def _page(self, query):
        wanted = [
            p for p in self.proposals.values() if query.get("status") in (None, p["status"])
        ]
        start = int(query.get("cursor", "0"))
        end = start + self.page_size
        cursor = str(end) if end < len(wanted) else None
        return {"items": wanted[start:end], "next_cursor": cursor}

    def _write(self, path, body):
        if path == "/v1/proposals":
            return self._propose(body)
        if path == "/v1/permits/redeem":
            return self._redeem(body)
        _, _, _, proposal_id, verb = path.split("/")
        proposal = self.proposals[proposal_id]
        if verb == "outcome":
            proposal["outcome"] = body
        elif verb == "withdraw":
            proposal["status"] = "withdrawn"
        elif verb == "revise":
            proposal.update(body, status="pending", decision=None)
            proposal["revision"] += 1
        return 200, proposal

    def _propose(self, body):
        if not body["action"]:
            listed = [{"pointer": f"/member{n}", "message": "required"} for n in range(7)]
            return 422, {**problem(422, "seven members", "brief-incomplete"), "errors": listed}
        proposal = {
            **body,
            "id": f"prp_{len(self.proposals) + 1:026d}",
            "status": "pending",
            "revision": 1,
            "agent": {"id": "agt_1", "name": "support-bot"},
            "decision": None,
            "permit": None,
            "outcome": None,
        }
        self.proposals[proposal["id"]] = proposal
        self.on_propose(proposal)
        return 201, proposal

    def _redeem(self, body):
        claims = claims_of(body["permit"])
        if claims["arguments_sha256"] != canonical_sha256(body["arguments"]):
            return 422, problem(422, "other arguments")
        if claims["jti"] in self.redeemed:
            return 409, problem(409, "redeemed before")
        self.redeemed.add(claims["jti"])
        return 200, {"proposal": claims["proposal"], **self.redeem_answer}


class Listener(http.server.ThreadingHTTPServer):
    """Quiet about the connections that the tests break; never joins their threads."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    """HTTP for FakeServer: keep-alive, faults, JSON."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_of = None

    def setup(self):
        super().setup()
        self.number = self.server_of.connected(self.connection)

    def finish(self):
        self.server_of.disconnected(self.connection)
        super().finish()

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._serve()

    def do_POST(self):
        self._serve()

    def _serve(self):
        length = int(self.headers.get("Content-Length", "0"))
        body = json.loads(self.rfile.read(length)) if length else None
        key = self.headers.get("Idempotency-Key")
        authorization = self.headers.get("Authorization")
        seen = Seen(self.command, self.path, key, body, authorization, self.number)
        self.server_of.seen.append(seen)
        fault = self.server_of.take_fault(f"{self.command} {self.path}")
        if isinstance(fault, tuple):
            self._answer(fault[0], fault[1], problem(fault[0], "a fault"))
        elif fault == DROP:
            self.close_connection = True
        else:
            answer = self.server_of.handle(self.command, self.path, key, body)
            self._answer(*answer, fault=fault)

    def _answer(self, status, headers, document, fault=None):
        if fault == LOSE:
            self.close_connection = True
            return
        data = json.dumps(document).encode() if fault != NOT_JSON else b"<html></html>"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if fault == CUT else data)
        self.close_connection = fault == CUT


def problem(status, detail, name=None):
    """An RFC 9457 document."""
    name = name or TITLES.get(status, "internal")
    return {"type": f"/problems/{name}", "title": name, "status": status, "detail": detail}


def permit_for(proposal, /, **changed):
    """A permit shaped as a compact JWS, for the proposal's decision; claims may be changed."""
    claims = {
        "jti": f"{proposal['id']}/{proposal['revision']}",
        "proposal": proposal["id"],
        "revision": proposal["revision"],
        "action": proposal["action"],
        "arguments_sha256": canonical_sha256(proposal["decision"]["arguments"]),
        **changed,
    }
    return ".".join(base64url(json.dumps(part).encode()) for part in ({"alg": "EdDSA"}, claims, 0))


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def claims_of(permit):
    part = permit.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
