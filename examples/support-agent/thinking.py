# SPDX-License-Identifier: Apache-2.0
"""From a ticket to a plan: the options with what speaks for and against each, the evidence, the doubts.

Confidence is not felt but counted: it starts at 0.97 and every doubt takes its weight away. The doubts
are also the case against, the heaviest first. A plan never comes from what a text demands: options are
made of what the records hold, and a text that talks to the agent only adds a doubt and a warning.
"""

from typing import Any, Dict, List, NamedTuple, Tuple

CERTAIN = 0.97
FOUND_WEIGHT = 0.2
SUMMARY_MAX = 300


class Option(NamedTuple):
    """One thing that could be done, with the arguments it would take."""

    title: str
    action: str
    arguments: Dict[str, Any]
    pros: List[str]
    cons: List[str]


class Plan(NamedTuple):
    """What the agent would do about a ticket. choice: the option it recommends.

    doubts: (weight, sentence). draft: where in the chosen arguments the words to a person stand."""

    ticket: Any
    summary: str
    options: Tuple[Option, ...]
    choice: int
    reasons: List[str]
    doubts: List[Tuple[float, str]]
    evidence: List[Dict[str, Any]]
    thought_by: str = "rules"
    then: Tuple[Any, ...] = ()  # plans that follow once this one was carried out

    @property
    def chosen(self):
        return self.options[self.choice]

    @property
    def confidence(self):
        left = CERTAIN - sum(weight for weight, _ in self.doubts)
        return round(min(max(left, 0.05), CERTAIN), 2)

    @property
    def case_against(self):
        if not self.doubts:
            return "Nothing in the records speaks against it."
        return " ".join(text for _, text in sorted(self.doubts, key=lambda doubt: -doubt[0]))


def plan(ticket, summary, options, reasons, doubts=(), evidence=(), choice=0):
    """A plan with what every plan has: the ticket itself as evidence, and a warning where it is due."""
    doubts = list(doubts)
    places = dict.fromkeys(found.where for found in ticket.found)
    warnings = [warning(where, [f for f in ticket.found if f.where == where]) for where in places]
    if warnings:
        tries = ", ".join(dict.fromkeys(found.tries for found in ticket.found))
        doubts.append((FOUND_WEIGHT, f"Text in {ticket.found[0].where} talks to the agent: it {tries}. "
                       "None of it was followed; the person behind it may not mean well."))
        reasons = [*reasons, "What the text demands of the agent plays no part in this."]
    shown = warnings + [said(ticket), *evidence, *attachments(ticket)]
    return Plan(ticket, summary[:SUMMARY_MAX], tuple(options), choice, list(reasons), doubts, shown)


def warning(where, found):
    """Evidence that shows what in one place of the content tried to steer the agent."""
    tries = ", ".join(dict.fromkeys(each.tries for each in found))
    quoted = "\n".join(dict.fromkeys(line for each in found for line in each.text.splitlines()))
    return {
        "title": f"Warning: {where} tries to steer the agent",
        "text": f"It {tries}. Quoted, not followed:\n{quoted}",
        "source": f"screening://{where.replace(' ', '-')}",
    }


def said(ticket):
    case = ticket.case
    return {
        "title": f"Mail from {case['from']}",
        "text": f"{case['subject']} (received {case['hours_ago']} h ago)",
        "source": f"mailbox://support/{ticket.id}",
        "data": {"from": case["from"], "on file": ticket.customer is not None, **case.get("headers", {})},
    }


def attachments(ticket):
    for attached in ticket.case.get("attachments", []):
        yield {
            "title": f"Attachment {attached['name']}, described",
            "text": attached["described"],
            "source": f"mailbox://support/{ticket.id}#{attached['name']}",
        }
    for page in ticket.case.get("fetched", []):
        yield {"title": "The page behind the link", "text": page["text"], "source": page["url"]}


def order_evidence(crm, order):
    """The order as the records have it."""
    items = ", ".join(f"{item['title']} ({item['price']:.2f})" for item in order["items"])
    back = sum(crm.refunds(order))
    delivered = "not delivered" if order["delivered"] is None else f"delivered {crm.day(order['delivered'])}"
    return {
        "title": f"Order {order['id']}",
        "text": f"{items}; {crm.paid(order):.2f} {order['currency']} with shipping, placed "
        f"{crm.day(order['placed'])}, promised {crm.day(order['promised'])}, {delivered}; "
        f"refunded so far: {back:.2f}",
        "source": f"crm://orders/{order['id']}",
        "data": {"paid": crm.paid(order), "charges": order.get("charges", 1), "refunded": back},
    }


def tracking_evidence(crm, order):
    lines = [f"{crm.day(days)}  {text}" for days, text in order["tracking"]]
    return {
        "title": "Tracking",
        "text": "\n".join(lines) or "Has not left the warehouse yet",
        "source": f"carrier://parcels/{order['id']}",
    }


def customer_evidence(crm, customer):
    refunds = crm.refunds_of(customer["id"])
    return {
        "title": f"Customer {customer['id']}",
        "text": f"{customer['name']}, since {customer['since']}, {customer['spent']:.2f} spent, "
        f"{len(refunds)} refunds in 90 days",
        "source": f"crm://customers/{customer['id']}",
        "data": {"since": customer["since"], "spent": customer["spent"], "refunds_90d": len(refunds)},
    }


def policy_evidence(crm, number):
    return {"title": f"Desk policy {number}", "text": crm.policy(number), "source": f"kb://desk#{number}"}


def guide_evidence(crm, topic):
    return {"title": f"How we write: {topic}", "text": crm.guide(topic), "source": f"kb://guides/{topic}"}


def first_name(customer):
    return customer["name"].split()[0] if customer else "there"


def letter(customer, *paragraphs, close="Kind regards,\nthe Oak & Lantern desk"):
    """A letter of these paragraphs; empty ones are left out."""
    return "\n\n".join([f"Dear {first_name(customer)},", *[p for p in paragraphs if p], close])


def handover(ticket, team, note):
    """The option that is always there: a person takes over."""
    return Option(f"Hand it to {team}", "ticket.handover", {"ticket": ticket.id, "team": team, "note": note},
                  ["a person decides with the customer"], ["takes a day longer"])


def draft_pointer(option):
    """Where the words to a person stand in an option's arguments, or None."""
    return next((f"/{name}" for name in ("message", "body") if option.arguments.get(name)), None)


def brief_of(plan):
    """The brief that goes with the proposal of the chosen option."""
    chosen = plan.chosen
    brief = {
        "summary": plan.summary,
        "request": plan.ticket.text,
        "recommendation": chosen.title,
        "reasoning": " ".join(plan.reasons),
        "case_against": plan.case_against,
        "confidence": plan.confidence,
        "evidence": plan.evidence,
        "options": [
            {
                "title": option.title,
                "pros": option.pros,
                "cons": option.cons,
                "arguments": option.arguments,
                **({"recommended": True} if option is chosen else {}),
            }
            for option in plan.options
        ],
    }
    pointer = draft_pointer(chosen)
    if pointer:
        brief["draft"] = {"pointer": pointer, "format": "text/plain"}
    return brief
