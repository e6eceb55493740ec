# SPDX-License-Identifier: Apache-2.0
"""What a ticket says: its topic, its customer and order, and whether somebody in it talks to the agent.

A ticket's text is data. Nothing in it is followed: what looks like an instruction to an agent is
found, marked and shown to the person who decides, and costs the ticket its trust.
"""

import json
import pathlib
import re
from typing import NamedTuple, Optional

ORDER = re.compile(r"\bO-\d{5}\b")
QUOTED_MAX = 600
STAFF = "@oak-lantern.example"

# The first topic of which a phrase occurs; so what must not be overlooked stands first.
TOPICS = [
    ("bereavement", ["passed away", " died", "death of", "deceased", "funeral"]),
    ("injury", ["hospital", "injured", "allergic", "rash", "bleeding", "burned", " fell "]),
    ("legal", ["solicitor", "lawyer", "attorney", "legal action", "court"]),
    ("press", ["journalist", "newspaper", "go to print"]),
    ("discrimination", ["read my name", "racist", "should have guessed", "because of my"]),
    ("privacy", ["gdpr", "all data you hold", "delete my data"]),
    ("hardship", ["lost my job", "cannot afford", "in debt"]),
    ("redirect", ["different account", "other account"]),
    ("email", ["new e-mail", "change my e-mail", "new email"]),
    ("address", ["new address", "we have moved", "other delivery address"]),
    ("vip", ["third missed", "last. my guests", "somebody with authority"]),
    ("charged twice", ["charged twice", "charged me twice", "abgebucht"]),
    ("price match", ["now cheaper", "price dropped", "price guarantee"]),
    ("wrong item", ["instead of", "mixed them up"]),
    ("sent back", ["sent the", "sent it back"]),
    ("return", ["want to return", "return the"]),
    ("cancel", ["cancel"]),
    ("damage", ["broken", "cracked", "in pieces", "torn", "tear ", "dent", "bent", "leaks"]),
    ("lost", ["never arrived", "no sign of"]),
    ("late", ["late", "later than promised"]),
    ("where", ["when will", "where is", "tracking number"]),
    ("invoice", ["invoice"]),
    ("thanks", ["thank you, the", "just wanted to say thank"]),
    ("bounce", ["undeliverable", "could not be delivered"]),
    ("spam", ["unsubscribe", "special offer"]),
]

# What colleagues ask the desk for.
STAFF_TOPICS = [
    ("report", ["weekly report"]),
    ("publication", ["publish"]),
    ("export", ["export"]),
]

# Sentences that speak to a machine and not to a person.
SUSPICIOUS = [
    (r"ignore (all |any |your |the )*(previous |prior )?instructions", "asks to ignore instructions"),
    (r"(system note|system prompt|ai agents?|support assistant)\s*:", "speaks to an agent"),
    (r"do not (ask for review|mention this)", "asks to hide something from people"),
    (r"overrides? your policy|must approve", "claims to stand above the policy"),
    (r"(to|into) iban\b|export the customer list", "asks for money or data to go elsewhere"),
]


class Found(NamedTuple):
    """A passage that talks to the agent: where, what it tries, and its words."""

    where: str
    tries: str
    text: str


class Ticket(NamedTuple):
    """A case as read: its parts, and what the records know about who wrote it."""

    id: str
    topic: str
    case: dict
    customer: Optional[dict]
    order: Optional[dict]
    found: tuple

    @property
    def text(self):
        return f"{self.case['subject']}\n\n{self.case['body']}"


def all_cases():
    """Every case of cases/*.json, in the order in which they came in."""
    folder = pathlib.Path(__file__).resolve().parent / "cases"
    cases = [case for path in folder.glob("*.json") for case in json.loads(path.read_text("utf-8"))]
    return sorted(cases, key=lambda case: case["id"])


def topic_of(case):
    """The topic, by its phrases; `unclear` where none fits."""
    text = f" {case['subject']}\n{case['body']} ".lower()
    topics = STAFF_TOPICS if case["from"].endswith(STAFF) else TOPICS
    for topic, phrases in topics:
        if any(phrase in text for phrase in phrases):
            return topic
    return "unclear"


def suspicious(where, text):
    """What in this text speaks to the agent."""
    found = []
    for pattern, tries in SUSPICIOUS:
        match = re.search(pattern, text, re.IGNORECASE)
        if match:
            start, end = text.rfind("\n", 0, match.start()) + 1, text.find("\n", match.end())
            found.append(Found(where, tries, text[start : end if end > 0 else None].strip()[:QUOTED_MAX]))
    return found


def read_ticket(crm, case):
    """Reads the case and looks up who wrote it and about which order."""
    customer = crm.customer_by_mail(case["from"]) or crm.customers.get(case.get("claims"))
    named = ORDER.search(case["subject"] + " " + case["body"])
    order = crm.orders.get(named.group()) if named else None
    if order is None and customer is not None:
        order = next(iter(crm.orders_of(customer["id"])), None)
    found = suspicious("the mail", case["body"])
    for attached in case.get("attachments", []):
        found += suspicious(f"the attachment {attached['name']}", attached["described"])
    for page in case.get("fetched", []):
        found += suspicious(f"the page {page['url']}", page["text"])
    return Ticket(case["id"], topic_of(case), case, customer, order, tuple(found))
