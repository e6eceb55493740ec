# SPDX-License-Identifier: Apache-2.0
"""Which topic is thought about where, and what is said to a reviewer who asks.

    think(crm, ticket)             the plan for a ticket
    answer(crm, plan, question)    the plan again, with what the records say to the question
"""

import money
import words
from thinking import customer_evidence, draft_pointer, order_evidence, tracking_evidence

TOPICS = {
    "damage": money.damage,
    "redirect": money.redirect,
    "late": money.late,
    "lost": money.lost,
    "wrong item": money.wrong_item,
    "charged twice": money.charged_twice,
    "price match": money.price_match,
    "sent back": money.sent_back,
    "return": money.returning,
    "cancel": money.cancel,
    "where": words.where,
    "address": words.address,
    "email": words.email,
    "bereavement": words.bereavement,
    "injury": words.injury,
    "legal": words.legal,
    "press": words.press,
    "discrimination": words.discrimination,
    "privacy": words.privacy,
    "hardship": words.hardship,
    "vip": words.vip,
    "thanks": words.tag,
    "spam": words.tag,
    "bounce": words.tag,
    "invoice": words.tag,
    "report": words.report,
    "publication": words.publication,
    "export": words.export,
}

DOMAINS = {"refund": "billing", "order": "orders", "account": "accounts", "article": "communications"}


def think(crm, ticket):
    """What the rules make of the ticket."""
    return TOPICS.get(ticket.topic, words.unclear)(crm, ticket)


def domain_of(action):
    """The domain that the agent claims for an action."""
    return DOMAINS.get(action.split(".")[0], "support")


# Questions ------------------------------------------------------------------------------------------


def _refunds(crm, plan):
    customer = plan.ticket.customer
    rows = crm.refunds_of(customer["id"], within_days=3650) if customer else []
    lines = [f"{crm.day(days)}  {order}  {amount:.2f}  {reason}" for order, days, amount, reason in rows]
    return {"title": "All refunds of this customer", "text": "\n".join(lines) or "There is none on record.",
            "source": "crm://refunds"}


def _pictures(crm, plan):
    lines = [f"{a['name']}: {a['described']}; taken {crm.day(a['days_ago'])}" for a in plan.ticket.case.get("attachments", [])]
    return {"title": "Pictures and when they were taken", "text": "\n".join(lines) or "The customer has sent none.",
            "source": f"mailbox://support/{plan.ticket.id}"}


def _stock(crm, plan):
    lines = [f"{item['title']}: {crm.stock(item['sku'])}" for item in (plan.ticket.order or {"items": []})["items"]]
    return {"title": "In stock now", "text": "\n".join(lines) or "No item is concerned.", "source": "warehouse://stock"}


def _sender(crm, plan):
    case = plan.ticket.case
    headers = case.get("headers", {})
    on_file = plan.ticket.customer["email"] if plan.ticket.customer else "nobody"
    return {"title": "Who sent it", "text": f"From {case['from']}, on file is {on_file}; SPF {headers.get('spf', 'not recorded')}, "
            f"DKIM {headers.get('dkim', 'not recorded')}", "source": f"mailbox://support/{plan.ticket.id}#headers"}


def _policies(crm, plan):
    lines = [f"{number}  {text}" for number, text in crm.knowledge["policies"].items()]
    return {"title": "The desk's policy, whole", "text": "\n".join(lines), "source": "kb://desk"}


def _tracking(crm, plan):
    return tracking_evidence(crm, plan.ticket.order)


def _order(crm, plan):
    return order_evidence(crm, plan.ticket.order)


# What a question is about, and where the records answer it; several may fit.
QUESTIONS = [
    (("refund", "earlier", "before", "history", "how often"), _refunds),
    (("photo", "picture", "image", "proof", "attachment"), _pictures),
    (("stock", "replace", "another one", "available"), _stock),
    (("sender", "header", "who sent", "address", "e-mail", "really"), _sender),
    (("policy", "rule", "allowed", "paragraph"), _policies),
    (("track", "deliver", "when", "carrier", "date"), _tracking),
    (("amount", "price", "paid", "how much", "cost", "total"), _order),
]
NEEDS_ORDER = (_tracking, _order)
SHORTER = ("short", "brief", "long")
WARMER = ("tone", "warm", "friendl", "apolog", "sorry", "cold", "kind")
LESS = ("less", "half", "too much", "lower")


def answer(crm, plan, question):
    """(plan, what was answered): the same plan with what was asked about found out, and the draft or the
    option changed where the question asks for that. A person reads it again in any case."""
    low = question.lower()
    looks = [look for words_, look in QUESTIONS if any(word in low for word in words_)]
    found = [look(crm, plan) for look in looks if plan.ticket.order or look not in NEEDS_ORDER]
    options, said = list(plan.options), [f"looked up: {each['title'].lower()}" for each in found]
    smaller = next((i for i in range(plan.choice + 1, len(options)) if options[i].action == plan.chosen.action), None)
    if any(word in low for word in LESS) and smaller is not None:
        plan = plan._replace(choice=smaller)
        said.append(f"now recommended: {plan.chosen.title}")
    pointer = draft_pointer(plan.chosen)
    for names, change, what in ((SHORTER, _shorter, "shortened the draft"), (WARMER, _warmer, "made the draft warmer")):
        if pointer and any(name in low for name in names):
            options[plan.choice] = change(options[plan.choice], pointer[1:])
            said.append(what)
    doubts = plan.doubts
    if not said:
        found = [customer_evidence(crm, plan.ticket.customer)] if plan.ticket.customer else []
        said = ["the records hold nothing on this; somebody would have to ask the customer"]
        doubts = [*doubts, (0.1, "The reviewer's question could not be answered from the records.")]
    known = {each["title"] for each in plan.evidence}
    evidence = [*plan.evidence, *[each for each in found if each["title"] not in known]]
    reasons = [*plan.reasons, f"Asked: {question.strip()} Answer: {'; '.join(said)}."]
    return plan._replace(options=tuple(options), reasons=reasons, doubts=doubts, evidence=evidence), "; ".join(said)


def _changed(option, name, text):
    return option._replace(arguments={**option.arguments, name: text})


def _shorter(option, name):
    """Keeps the greeting, the first paragraph that says something, and the close."""
    parts = option.arguments[name].split("\n\n")
    return _changed(option, name, "\n\n".join(parts if len(parts) < 4 else [parts[0], parts[1], parts[-1]]))


def _warmer(option, name):
    parts = option.arguments[name].split("\n\n")
    extra = "We know that this has cost you time and nerves, and we are sorry for both."
    if extra in parts:
        return option
    return _changed(option, name, "\n\n".join([*parts[:-1], extra, parts[-1]]))


def next_option(plan, tried):
    """The best option that was not tried yet, as a plan; None where only a person is left."""
    for index, option in enumerate(plan.options):
        if index not in tried and option.action != "ticket.handover":
            return index
    return None
