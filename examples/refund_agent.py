#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small agent whose one risky step, paying money back, stands behind a checkpoint.

    FERMATA_URL=http://127.0.0.1:8600 FERMATA_KEY=fka_... python3 examples/refund_agent.py

Without Fermata this would be an ordinary program that calls issue_refund(). With it, the only
changes are the decorator, the brief, and the answer to a no. The payment is only printed.
"""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "sdk" / "python" / "src"))

from fermata import Fermata, FermataError, NotApproved, Returned

COMPLAINTS = [
    {
        "customer": "customer:W771",
        "order": {"id": "W2378156", "total": 74.5, "currency": "USD", "delivered": "2026-11-20"},
        "text": "My lamp arrived in pieces, two days ago. I unpacked it myself. Photos attached.",
        "confidence": 0.93,
    },
    {
        "customer": "customer:W802",
        "order": {"id": "W2381990", "total": 18.0, "currency": "USD", "delivered": "2026-11-02"},
        "text": "The candle smells of nothing at all. I would like my money back.",
        "confidence": 0.58,
    },
]


def brief_of(order_id, amount, currency, message):
    """What the reviewer reads. A checkpoint's brief gets the same arguments as its function."""
    complaint = next(c for c in COMPLAINTS if c["order"]["id"] == order_id)
    order = complaint["order"]
    return {
        "summary": f"Refund {amount} {currency} for order {order_id}",
        "request": complaint["text"],
        "recommendation": "Refund in full",
        "reasoning": "Complaint within 30 days of delivery; the whole order is affected.",
        "confidence": complaint["confidence"],
        "case_against": "Nothing but the customer's word says in which state it arrived.",
        "evidence": [
            {
                "title": f"Order {order_id}",
                "text": f"{order['total']} {order['currency']}, delivered {order['delivered']}",
                "source": f"crm://orders/{order_id}",
                "data": order,
            }
        ],
        "options": [
            {"title": "Refund", "pros": ["closes the case today"], "recommended": True},
            {"title": "Ask for a photo", "pros": ["proof"], "cons": ["one more round"]},
        ],
        "draft": {"pointer": "/message", "format": "text/plain"},
    }


def setting(name):
    """An environment variable that must be there."""
    value = os.environ.get(name)
    if not value:
        sys.exit(f"set {name}; see the head of this file")
    return value


def main():
    fermata = Fermata(setting("FERMATA_URL"), setting("FERMATA_KEY"))

    @fermata.checkpoint("refund.issue", brief=brief_of, domains=["billing"])
    def issue_refund(order_id, amount, currency="USD", message=""):
        """Runs only when approved, with the amounts and words that were approved."""
        print(f"  paid: {amount} {currency} for {order_id}, with the words {message!a}")

    for complaint in COMPLAINTS:
        order = complaint["order"]
        print(f"{complaint['customer']} wants {order['total']} {order['currency']} back; asking")
        try:
            words = "We are sorry. Your money is on its way."
            issue_refund(order["id"], order["total"], message=words)
        except Returned as held:
            print(f"  the reviewer wants to know: {held.question!a}")
        except NotApproved as no:
            print(f"  not paid: {ascii(str(no))}")
        except FermataError as error:
            print(f"  not paid, Fermata said: {ascii(str(error))}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nstopped; what is held stays held")
