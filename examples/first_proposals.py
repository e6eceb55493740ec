#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fills a new inbox with eight proposals of eight kinds, and then plays the agent behind them.

    python3 examples/first_proposals.py --url http://127.0.0.1:8600 --key fka_... [--no-wait]

The key can also stand in FERMATA_KEY, where other users of the machine do not see it. Each proposal
is followed in a thread of its own: what is decided in the page shows here as what the agent does
next. A question is answered once, with a revision. Nothing is executed; what would be is printed.

They are written for examples/policy.yaml: one passes at once, one is blocked, six are held. Two
carry text that does not look like what it is, for the page to mark: the new e-mail address
holds an invisible character, and the contract's file name is written partly backwards.
"""

import argparse
import base64
import os
import pathlib
import sys
import threading
from typing import NamedTuple

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "sdk" / "python" / "src"))

from fermata import Blocked, Fermata, FermataError

ZERO_WIDTH_SPACE = "\u200b"
RIGHT_TO_LEFT_OVERRIDE = "\u202e"
ROUNDS_MAX = 2  # the first proposal and one revision


class Sample(NamedTuple):
    """One proposal. answer: what the agent finds out if the reviewer asks something."""

    action: str
    arguments: dict
    brief: dict
    members: dict
    answer: str


REFUND = Sample(
    action="refund.issue",
    arguments={
        "order_id": "W2378156",
        "amount": 74.5,
        "currency": "USD",
        "message": "We are sorry that your lamp arrived broken. The full price is on its way back "
        "to your card; you do not need to send anything.",
    },
    brief={
        "summary": "Refund 74.50 USD for a lamp that arrived broken",
        "request": "Hi, my lamp arrived in pieces this morning. The box looked fine from outside. "
        "I do not want another one, I just want my money back.\nMaya",
        "evidence": [
            {
                "title": "Order W2378156",
                "text": "1 x desk lamp 'Arc', 74.50 USD, delivered 2026-11-20, no earlier refunds",
                "source": "crm://orders/W2378156",
                "data": {"status": "delivered", "total": 74.5, "refunds": 0},
            },
            {
                "title": "Customer's photo, described",
                "text": "Broken glass shade in the original packaging, label W2378156 legible",
                "source": "mailbox://support/88120#photo-1.jpg",
            },
            {
                "title": "Policy 4.2, damaged on arrival",
                "text": "Full refund within 14 days of delivery. No return needed below 100 USD.",
                "source": "kb://policies/refunds#4.2",
            },
        ],
        "options": [
            {
                "title": "Refund in full",
                "pros": ["what the customer asked for", "closes the case today"],
                "cons": ["74.50 USD and the lamp are gone"],
                "recommended": True,
            },
            {"title": "Send a replacement", "pros": ["keeps the sale"], "cons": ["refused by her"]},
            {"title": "Refund half", "cons": ["contradicts policy 4.2"]},
        ],
        "draft": {"pointer": "/message", "format": "text/plain"},
        "recommendation": "Refund in full",
        "reasoning": "Delivered two days ago, damage is visible on the photo, the label is the "
        "order's, and policy 4.2 asks for no return at this price.",
        "confidence": 0.93,
        "case_against": "The photo carries no date, and the box is said to be undamaged.",
    },
    members={
        "on_behalf_of": "user:77",
        "subject": "customer:W771",
        "domains": ["billing", "shipping"],
        "session": "conv-8812",
        "labels": {"region": "us"},
    },
    answer="The photo's file says that it was taken on 2026-11-20 at 09:14, after the delivery.",
)

ADDRESS_CHANGE = Sample(
    action="account.change_address",
    arguments={
        "customer_id": "C-48213",
        "email": f"anna.kov{ZERO_WIDTH_SPACE}acs@example.org",
        "street": "Rosenweg 14",
        "postal_code": "8001",
        "city": "Zurich",
        "country": "CH",
    },
    brief={
        "summary": "Move Anna Kovacs to a new postal and e-mail address",
        "request": "I have moved to Rosenweg 14, 8001 Zurich. Please also use my new e-mail from "
        "the signature below for everything, passwords included.",
        "evidence": [
            {
                "title": "Account C-48213",
                "text": "Anna Kovacs, customer since 2019, e-mail a.kovacs@example.com",
                "source": "crm://customers/C-48213",
                "data": {"open_orders": 1, "last_login": "2026-11-03"},
            },
            {
                "title": "Headers of the request",
                "text": "Sent from a.kovacs@example.com; SPF and DKIM pass",
                "source": "mailbox://support/88131#headers",
            },
        ],
        "options": [
            {"title": "Change both", "pros": ["as asked"], "cons": ["recovery moves along"],
             "recommended": True},
            {"title": "Change the street only", "pros": ["safe"], "cons": ["half of the request"]},
            {"title": "Ask back at the old address first", "cons": ["a day's delay"]},
        ],
        "draft": {"pointer": "/email", "format": "text/plain"},
        "recommendation": "Change both addresses",
        "reasoning": "The request came from the address on file and passed its checks; street, "
        "postal code and city belong together.",
        "confidence": 0.88,
        "case_against": "With the e-mail address goes the password reset. The address was copied "
        "from the signature of the mail, not typed by the customer.",
    },
    members={
        "on_behalf_of": "user:77",
        "subject": "customer:C-48213",
        "domains": ["accounts"],
        "session": "conv-8815",
        "labels": {"region": "eu"},
        "reversible": True,
    },
    answer="Asked at the old address: the customer has not written to us this month.",
)

SENSITIVE_REPLY = Sample(
    action="message.send",
    arguments={
        "to": "r.lindqvist@example.com",
        "subject": "Your father's account",
        "body": "Dear Ms Lindqvist,\n\nwe are very sorry for your loss. We have closed your "
        "father's subscription as of today, and the two payments since his death go back to the "
        "account that they came from. Nothing more is needed from you.\n\nIf letters still arrive, "
        "please tell us and we will see to it.\n\nWith our condolences,\nthe support team",
    },
    brief={
        "summary": "Answer a daughter who reports her father's death",
        "request": "My father Erik Lindqvist died on 3 October. You keep charging his card. This "
        "is the third time that I write. Please stop.",
        "evidence": [
            {
                "title": "Earlier messages",
                "text": "Two mails of 12 and 29 October, both answered by the renewal template",
                "source": "mailbox://support/87002,87544",
            },
            {
                "title": "Subscription S-2291",
                "text": "Active, 9.90 EUR a month, charged on 15 October and 15 November",
                "source": "crm://subscriptions/S-2291",
                "data": {"charges_since": 2, "sum": 19.8, "currency": "EUR"},
            },
        ],
        "options": [
            {"title": "Condole, close, pay back", "pros": ["ends it"], "recommended": True},
            {"title": "Ask for a death certificate", "pros": ["by the book"],
             "cons": ["the third unkind answer"]},
            {"title": "Have a person call", "pros": ["most humane"], "cons": ["no number on file"]},
        ],
        "draft": {"pointer": "/body", "format": "text/plain"},
        "recommendation": "Send the reply; the closing and the refund are proposed separately",
        "reasoning": "Two earlier messages went unheard. The guide for bereavement asks for no "
        "document below 50 EUR, and for a letter without a form in it.",
        "confidence": 0.71,
        "case_against": "The draft promises a closing and a refund that are not done yet. No "
        "document proves the death.",
    },
    members={
        "on_behalf_of": "user:81",
        "subject": "customer:S-2291",
        "domains": ["support"],
        "session": "conv-8821",
        "labels": {"region": "eu", "topic": "bereavement"},
        "reversible": False,
    },
    answer="Closing and refund are proposed and held; the letter would wait for both.",
)

PUBLICATION = Sample(
    action="article.publish",
    arguments={
        "channel": "status.example.com",
        "title": "Delayed card payments on 19 November",
        "body": "Between 14:05 and 15:40 UTC about 4 % of card payments were delayed. No payment "
        "was lost or made twice. The cause was a full queue at our payment provider; we have "
        "doubled its size and will publish a full report by Friday.",
    },
    brief={
        "summary": "Publish the note on Thursday's delayed payments",
        "request": "Please get something out about yesterday before the weekend, customers ask.",
        "evidence": [
            {
                "title": "Payments per minute, 19 November",
                "text": "3.9 % over 60 s between 14:05 and 15:40 UTC, 0 failed, 0 doubled",
                "source": "metrics://payments/latency?day=2026-11-19",
                "data": {"delayed_share": 0.039, "failed": 0, "doubled": 0},
            },
            {
                "title": "Incident channel",
                "text": "15:52: 'queue at the provider, we think, they have not confirmed yet'",
                "source": "chat://incidents/2026-11-19",
            },
        ],
        "options": [
            {"title": "Publish as drafted", "pros": ["before the weekend"], "recommended": True},
            {"title": "Publish without the cause", "pros": ["nothing unproven"],
             "cons": ["the question comes back"]},
            {"title": "Wait for the report", "cons": ["silence over the weekend"]},
        ],
        "draft": {"pointer": "/body", "format": "text/plain"},
        "recommendation": "Publish as drafted",
        "reasoning": "Figures are from our own measurements; the tone follows the last two notes.",
        "confidence": 0.64,
        "case_against": "The provider has not confirmed that its queue was the cause.",
    },
    members={
        "on_behalf_of": "user:12",
        "domains": ["communications"],
        "session": "conv-8829",
        "deadline": "2d",
        "reversible": False,
    },
    answer="The provider confirmed the full queue in writing this morning, case 40031.",
)

TICKET_TAG = Sample(
    action="ticket.tag",
    arguments={
        "ticket_id": "T-88140",
        "tags": ["delivery", "late", "express"],
        "note": "Express parcel, day four, no scan since the depot.",
    },
    brief={
        "summary": "Tag a ticket about a late express parcel",
        "request": "I paid for express and it is day four. Where is my parcel?",
        "evidence": [
            {"title": "Ticket T-88140", "text": "One message, no attachments, no tags yet",
             "source": "desk://tickets/T-88140"},
        ],
        "options": [
            {"title": "delivery, late, express", "pros": ["goes to logistics"],
             "recommended": True},
            {"title": "billing", "pros": ["if the surcharge is meant"], "cons": ["not asked for"]},
        ],
        "draft": {"pointer": "/note", "format": "text/plain"},
        "recommendation": "Tag it for logistics",
        "reasoning": "It asks where the parcel is; the surcharge is only mentioned.",
        "confidence": 0.97,
        "case_against": "The customer may want the express surcharge back.",
    },
    members={"subject": "ticket:T-88140", "domains": ["support"], "reversible": True},
    answer="The customer wrote once more, and asks for the parcel only.",
)

DATA_EXPORT = Sample(
    action="customer.export",
    arguments={
        "segment": "newsletter-de",
        "fields": ["name", "email", "last_order", "total_spent"],
        "format": "csv",
        "deliver_to": "sftp://drop.adpartner.example/in",
    },
    brief={
        "summary": "Hand 41,200 German newsletter readers to an advertising partner",
        "request": "Partner needs the list tonight for the holiday campaign. Marketing agreed.",
        "evidence": [
            {"title": "Segment newsletter-de", "text": "41,200 people with consent to newsletters",
             "source": "crm://segments/newsletter-de", "data": {"people": 41200}},
            {"title": "Consent text", "text": "'... to receive our newsletter', no third parties",
             "source": "kb://consent/newsletter#v7"},
        ],
        "options": [
            {"title": "Export to the partner", "pros": ["tonight"], "recommended": True},
            {"title": "Ask the data office", "pros": ["lawful"], "cons": ["not before Monday"]},
        ],
        "draft": {"pointer": "/deliver_to", "format": "text/plain"},
        "recommendation": "Export the list",
        "reasoning": "The campaign is agreed, and the segment is the one that was named.",
        "confidence": 0.55,
        "case_against": "The consent does not cover handing the data to anybody.",
    },
    members={
        "on_behalf_of": "user:31",
        "domains": ["data"],
        "labels": {"region": "eu"},
        "reversible": False,
    },
    answer="The data office has no record of an agreement with the partner.",
)

DATABASE_CHANGE = Sample(
    action="database.change",
    arguments={
        "database": "orders-production",
        "statement": "UPDATE shipments SET carrier = 'NORDPOST'\n"
        "WHERE carrier = 'NORPOST' AND created_at >= '2026-11-18'",
        "expected_rows": 312,
    },
    brief={
        "summary": "Correct a misspelt carrier on 312 shipments",
        "request": "Labels for NORPOST bounce at the carrier since the release on Wednesday.",
        "evidence": [
            {
                "title": "Rows that the statement selects",
                "text": "312 since 2026-11-18 00:00 UTC, none of them delivered",
                "source": "sql://orders-replica/count",
                "data": {"rows": 312, "delivered": 0},
            },
            {
                "title": "The release",
                "text": "Carrier name typed anew in the label form, 2026-11-18 08:10 UTC",
                "source": "git://shop/commit/5c1e9ad",
            },
        ],
        "options": [
            {"title": "Correct the rows", "pros": ["labels print again"],
             "cons": ["a write on production"], "recommended": True},
            {"title": "Map the name at the carrier's gateway", "cons": ["the wrong name stays"]},
        ],
        "draft": {"pointer": "/statement", "format": "text/plain"},
        "recommendation": "Run the statement in one transaction; roll back unless it changes 312",
        "reasoning": "Counted on the replica with the same condition; 'NORPOST' never occurred "
        "before the release, so the opposite statement would undo it.",
        "confidence": 0.9,
        "case_against": "Rows that arrive before it runs change too; then the count is not 312.",
    },
    members={
        "on_behalf_of": "user:5",
        "subject": "table:shipments",
        "domains": ["operations"],
        "labels": {"environment": "production"},
        "reversible": False,
    },
    answer="Counted again just now: still 312 rows, none delivered.",
)

CLAUSE = (
    "9.2 The Supplier's total liability under this agreement is limited to the fees paid in the "
    "twelve months before the event. This limit does not apply to intent, gross negligence, or "
    "injury to life, body or health."
)

CONTRACT_CLAUSE = Sample(
    action="contract.amend",
    arguments={
        "contract_id": "K-2026-0117",
        "clause": "9.2",
        "text": CLAUSE,
        "document": f"frame-agreement-annex-b-{RIGHT_TO_LEFT_OVERRIDE}fdp.docm",
    },
    brief={
        "summary": "Accept the customer's wording of the liability cap",
        "request": "Our counsel asks for twelve months' fees instead of six in 9.2. Otherwise we "
        "are ready to sign this week. Revised annex attached.",
        "evidence": [
            {
                "title": "Standard clause 9.2",
                "text": "... limited to the fees paid in the six months before the event.",
                "source": "kb://contracts/standard#9.2",
            },
            {
                "title": "Earlier exceptions",
                "text": "Twelve months agreed in 7 of 31 frame agreements, all above 100,000 EUR",
                "source": "crm://contracts?clause=9.2",
                "data": {"exceptions": 7, "contracts": 31},
            },
            {
                "title": "The clause as plain text",
                "content_type": "text/plain",
                "base64": base64.b64encode(CLAUSE.encode()).decode(),
            },
        ],
        "options": [
            {"title": "Accept twelve months", "pros": ["signature this week"],
             "cons": ["doubles the exposure"], "recommended": True},
            {"title": "Offer nine months", "pros": ["middle ground"], "cons": ["another round"]},
            {"title": "Keep six months", "cons": ["they have said no twice"]},
        ],
        "draft": {"pointer": "/text", "format": "text/plain"},
        "recommendation": "Accept twelve months",
        "reasoning": "In line with earlier exceptions for contracts of this size (140,000 EUR).",
        "confidence": 0.78,
        "case_against": "Seven exceptions are becoming the rule, and the annex came by mail.",
    },
    members={
        "on_behalf_of": "user:40",
        "subject": "contract:K-2026-0117",
        "domains": ["legal"],
        "reversible": False,
    },
    answer="Compared word by word: only six has become twelve.",
)

SAMPLES = [
    REFUND,
    ADDRESS_CHANGE,
    SENSITIVE_REPLY,
    PUBLICATION,
    TICKET_TAG,
    DATA_EXPORT,
    DATABASE_CHANGE,
    CONTRACT_CLAUSE,
]


def say(proposal, text):
    """One line about a proposal; other people's texts cannot move the terminal's cursor."""
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    print(f"{proposal['id']}  {proposal['action']:<22}  {safe}", flush=True)


def send(fermata, sample):
    """Proposes one sample; returns the proposal, or None if the server refused it."""
    try:
        proposal = fermata.propose(
            sample.action,
            sample.arguments,
            sample.brief,
            agent_version="sample-1",
            **sample.members,
        )
    except FermataError as error:
        print(f"{sample.action}: {error!a}", file=sys.stderr)
        return None
    say(proposal, proposal["status"])
    return proposal


def follow(fermata, sample, proposal):
    """The agent's side of one proposal, to its end."""
    try:
        for last in range(ROUNDS_MAX):
            proposal = fermata.wait(proposal["id"])
            if proposal["status"] != "returned" or last == ROUNDS_MAX - 1:
                break
            proposal = answer_question(fermata, sample, proposal)
        conclude(fermata, proposal)
    except FermataError as error:
        say(proposal, f"stops here: {error}")


def answer_question(fermata, sample, proposal):
    """Revises a returned proposal: the same arguments, and a brief that answers the question."""
    say(proposal, f"was asked {reason_of(proposal)!r}; looks into it and asks again")
    brief = dict(sample.brief, reasoning=f"{sample.brief['reasoning']}\n\n{sample.answer}")
    return fermata.revise(proposal["id"], sample.arguments, brief)


def conclude(fermata, proposal):
    """What the agent does with a decision. Only the first of these acts, after redeeming."""
    status = proposal["status"]
    if status == "approved":
        arguments = proposal["decision"]["arguments"]
        fermata.redeem(proposal["permit"], arguments)
        edited = "" if arguments == proposal["arguments"] else ", with the reviewer's edits"
        say(proposal, f"approved{edited}: would act now (it is a sample, nothing is executed)")
        fermata.outcome(proposal["id"], "succeeded", "a sample; nothing was executed")
    elif status == "returned":
        say(proposal, f"was asked again, {reason_of(proposal)!r}: hands over to a person")
    elif status == "expired":
        say(proposal, "nobody decided in time: treats it as a no")
    else:
        say(proposal, f"{status} {reason_of(proposal)!r}: leaves it and tells the customer's team")


def reason_of(proposal):
    """The reviewer's words, or the policy's, if there are any."""
    if proposal["status"] == "blocked":
        return Blocked(proposal).reason
    return (proposal.get("decision") or {}).get("reason") or ""


def options():
    """The command line; the key may come from the environment."""
    parser = argparse.ArgumentParser(description="Send eight sample proposals, then follow them.")
    parser.add_argument("--url", default=os.environ.get("FERMATA_URL", "http://127.0.0.1:8600"))
    parser.add_argument("--key", default=os.environ.get("FERMATA_KEY"), help="fka_...")
    parser.add_argument("--no-wait", action="store_true", help="send them and exit")
    parsed = parser.parse_args()
    if not parsed.key:
        parser.error("an agent's key is needed: --key, or FERMATA_KEY")
    return parsed


def main():
    chosen = options()
    fermata = Fermata(chosen.url, chosen.key)
    sent = [(sample, send(fermata, sample)) for sample in SAMPLES]
    accepted = [(sample, proposal) for sample, proposal in sent if proposal is not None]
    if not chosen.no_wait:
        threads = [
            threading.Thread(target=follow, args=(fermata, sample, proposal), daemon=True)
            for sample, proposal in accepted
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return 0 if len(accepted) == len(SAMPLES) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("stopped; what is held stays held", file=sys.stderr)
