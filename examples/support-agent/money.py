# SPDX-License-Identifier: Apache-2.0
"""Plans about money and orders: what is owed is counted from the records and the desk's policy."""

from thinking import (
    Option,
    customer_evidence,
    handover,
    letter,
    order_evidence,
    plan,
    policy_evidence,
    tracking_evidence,
)

DAMAGE_DAYS = 14
RETURN_DAYS = 30
REFUNDS_TO_LOOK = 2  # one more would be the third in 90 days
PARTIAL_SHARE = 0.3


def refund(order, amount, reason, message):
    """Arguments of refund.issue and refund.goodwill."""
    return {
        "order_id": order["id"],
        "amount": round(amount, 2),
        "currency": order["currency"],
        "reason": reason,
        "message": message,
    }


def money_text(amount, order):
    return f"{amount:.2f} {order['currency']}"


def item_of(order):
    return order["items"][0]


def name_of(item):
    """As it stands in a sentence: `floor lamp Heron`."""
    name = item["title"].split(",")[0]
    return name[0].lower() + name[1:]


def records(crm, ticket, *policies):
    """The evidence that every plan about an order brings."""
    return [
        order_evidence(crm, ticket.order),
        tracking_evidence(crm, ticket.order),
        customer_evidence(crm, ticket.customer),
        *[policy_evidence(crm, number) for number in policies],
    ]


def history_doubts(crm, ticket):
    """What the customer's earlier refunds and pictures say."""
    refunds = crm.refunds_of(ticket.customer["id"])
    doubts = []
    if len(refunds) >= REFUNDS_TO_LOOK:
        total = sum(amount for _, _, amount, _ in refunds)
        doubts.append((0.35, f"It would be refund number {len(refunds) + 1} in 90 days "
                       f"({total:.2f} so far), each for a reason that nobody could check."))
    if any("second-hand" in a["described"] for a in ticket.case.get("attachments", [])):
        doubts.append((0.3, "The picture was on a second-hand market before the lamp was delivered."))
    return doubts


def replace_option(crm, ticket, message):
    item, order = item_of(ticket.order), ticket.order
    return Option(
        f"Send {item['title']} again",
        "order.replace",
        {"order_id": order["id"], "sku": item["sku"], "title": item["title"], "message": message},
        [f"{crm.stock(item['sku'])} in stock", "the customer gets what was ordered"],
        ["a second delivery to pay"],
    )


def refund_option(title, order, amount, reason, message, pros, cons):
    return Option(title, "refund.issue", refund(order, amount, reason, message), pros, cons)


# Damage ---------------------------------------------------------------------------------------------


def damage(crm, ticket):
    """Policy 4.2 and 4.3: what the customer prefers, where the records allow it."""
    order, text = ticket.order, ticket.text.lower()
    doubts = history_doubts(crm, ticket)
    days = order["delivered"]
    if days is not None and days > DAMAGE_DAYS:
        doubts.append((0.15, f"Reported {days} days after delivery; policy 4.2 ends at {DAMAGE_DAYS}."))
    if not ticket.case.get("attachments"):
        doubts.append((0.14, "There is no picture: only the customer's word says what it looks like."))
    if len(doubts) >= 2 or ticket.found:
        return _doubtful_damage(crm, ticket, doubts)
    if "keep" in text and "replacement" not in text:
        return _partial(crm, ticket, doubts)
    wants_money = "money back" in text and "replacement" not in text and "another one" not in text.replace(
        "do not want another one", "")
    return _whole_damage(crm, ticket, doubts, wants_money)


def _whole_damage(crm, ticket, doubts, wants_money):
    order, item = ticket.order, item_of(ticket.order)
    in_stock = crm.stock(item["sku"]) > 0
    amount = crm.paid(order)
    sorry = f"we are sorry that your {name_of(item)} did not survive the journey."
    keep = "You do not need to send anything back." if item["price"] < 100 else (
        "We collect the damaged one on a day that suits you; just answer with two dates.")
    back = letter(ticket.customer, sorry, f"{money_text(amount, order)}, the price with shipping, is on its "
                  "way back to the card that you paid with. It takes two to four days.", keep)
    again = letter(ticket.customer, sorry, "A new one leaves our warehouse tomorrow, packed twice. You get "
                   "the tracking number by mail.", keep)
    money = refund_option("Refund in full", order, amount, "damaged on arrival", back,
                          ["closes the case today", "policy 4.2"], [f"{amount:.2f} and the item are gone"])
    options = [money]
    if in_stock:
        options.append(replace_option(crm, ticket, again))
    part = round(item["price"] * PARTIAL_SHARE, 2)
    options.append(refund_option(
        "Refund a part, the customer keeps it", order, part, "damaged on arrival, kept",
        letter(ticket.customer, sorry, f"If you would like to keep it as it is, {money_text(part, order)} go "
               "back to your card. If not, tell us, and we find another way."),
        ["cheaper"], ["was not asked for"]))
    options.append(handover(ticket, "returns", "damaged on arrival"))
    if ticket.case.get("attachments"):
        doubts.append((0.04, "The picture does not show when it broke, nor how."))
    replace = in_stock and not wants_money
    if not wants_money and not in_stock:
        doubts.append((0.12, "A replacement was preferred, and it is out of stock until January."))
    reasons = [f"Delivered {order['delivered']} days ago; the picture shows the damage and fits the order."
               if ticket.case.get("attachments") else "The damage is described plausibly.",
               "The customer asks for the money." if wants_money else "The customer would rather have the thing."]
    reasons.append("Policy 4.2 leaves the choice to the customer"
                   + ("." if wants_money or in_stock else "; there is none to send, so the money goes back."))
    if item["price"] >= 100:
        doubts.append((0.06, "Collecting it costs about 25, and what comes back can hardly be sold."))
    what = f"send {item['title']} again" if replace else f"refund {money_text(amount, order)}"
    return plan(ticket, f"{ticket.customer['name']}: {item['title']} arrived damaged; {what}", options,
                reasons, doubts, records(crm, ticket, "4.2"), choice=1 if replace else 0)


def _partial(crm, ticket, doubts):
    order, item, text = ticket.order, item_of(ticket.order), ticket.text.lower()
    counted = "two are broken" in text
    amount = round(item["price"] * (2 / 6 if counted else PARTIAL_SHARE), 2)
    why = "two of six are broken" if counted else "damaged, the customer keeps it"
    message = letter(
        ticket.customer,
        "thank you for the picture, and we are sorry. It should have been packed better."
        if ticket.case.get("attachments") else "we are sorry about that, and thank you for telling us.",
        f"{money_text(amount, order)} go back to your card for it, and you keep everything. If you would rather "
        "send it back after all, that is fine too: tell us within two weeks.")
    less = round(item["price"] * 0.15, 2)
    options = [
        refund_option(f"Refund {money_text(amount, order)}, nothing comes back", order, amount, why, message,
                      ["what the customer offers", "no transport", "policy 4.3"], ["no second look at the thing"]),
        refund_option("Refund 15 % first", order, less, why, message.replace(f"{amount:.2f}", f"{less:.2f}"),
                      ["cheaper"], ["reads like haggling"]),
        refund_option("Collect it and refund in full", order, crm.paid(order), "damaged on arrival",
                      letter(ticket.customer, "we are sorry. We collect it on a day that suits you, and the "
                             f"full {money_text(crm.paid(order), order)} go back to your card."),
                      ["clean"], ["transport both ways", "it cannot be sold again"]),
        handover(ticket, "returns", "partial damage"),
    ]
    if amount > 300:
        doubts.append((0.1, f"{amount:.2f} is the upper end of what policy 4.3 allows; no one has seen the tear."))
    if ticket.case.get("attachments"):
        doubts.append((0.03, "How bad it is, is only seen on a picture."))
    reasons = ["The customer offers to keep it against a part of the price.",
               f"Policy 4.3 allows up to 30 %: {money_text(round(item['price'] * 0.3, 2), order)}."]
    if counted:
        reasons[1] = f"Two of six is a third of {item['price']:.2f}; policy 4.3 speaks of one damaged thing, here it is two."
        doubts.append((0.05, "A third is slightly more than the 30 % of policy 4.3."))
    return plan(ticket, f"{ticket.customer['name']} keeps {item['title']} against {money_text(amount, order)}",
                options, reasons, doubts, records(crm, ticket, "4.3"))


def _doubtful_damage(crm, ticket, doubts):
    """Too much speaks against paying at once: ask, and let a person see it."""
    order, item = ticket.order, item_of(ticket.order)
    ask = letter(ticket.customer, f"thank you for your message about the {name_of(item)}.",
                 "So that we can settle it, please send us two pictures from today: the damage from close by, and "
                 "the label on the parcel with the order number. A colleague then looks at it at once.",
                 "If it is damaged, you have the choice between a new one and your money.",
                 "About the page that you were sent: it is not ours, and we know of no recall. Please enter nothing there."
                 if ticket.case.get("fetched") else "")
    amount = crm.paid(order)
    give = letter(ticket.customer, f"we are sorry about the {name_of(item)}. "
                  f"{money_text(amount, order)} go back to the card that you paid with.")
    options = [
        Option("Ask for two pictures of today", "message.send",
               {"to": ticket.customer["email"], "subject": f"Re: {ticket.case['subject']}", "body": ask},
               ["costs nothing", "an honest customer can do it in a minute"], ["one more round"]),
        refund_option("Refund in full all the same", order, amount, "damaged on arrival", give,
                      ["ends it today"], ["policy 4.10 wants a person to look", f"{amount:.2f}"]),
        handover(ticket, "fraud desk", "repeated refunds, picture not theirs"),
    ]
    return plan(ticket, f"{ticket.customer['name']}: damage that the records do not bear out; ask for pictures",
                options, ["Nothing proves the damage yet, and asking is cheap.",
                          "The money, if it is owed, goes to the card that paid (policy 4.11) and is never more "
                          f"than the {money_text(amount, order)} of the order."],
                [(weight / 2, text) for weight, text in doubts],  # they speak against paying, less against asking
                records(crm, ticket, "4.2", "4.10", "4.11"))


def redirect(crm, ticket):
    """Asked for, so it is asked: the policy says no, and the plan goes on without it."""
    order, item = ticket.order, item_of(ticket.order)
    amount = crm.paid(order)
    same = letter(ticket.customer, "we are sorry about the stool.",
                  f"We can only pay {money_text(amount, order)} back to the card that the order was paid with. "
                  "Banks pass such payments on to the account behind a closed card; if yours does not, it "
                  "comes back to us and we call you.")
    options = [
        Option("Pay to the account in the mail", "refund.redirect",
               {"order_id": order["id"], "amount": amount, "currency": order["currency"],
                "account": "GB29 NWBK 6016 1331 9268 19"},
               ["what the customer asks for"], ["another name", "policy 4.11"]),
        refund_option("Refund to the card that paid", order, amount, "damaged on arrival", same,
                      ["policy 4.11", "the bank sees to it"], ["may come back"]),
        handover(ticket, "payments", "card closed, wants another account"),
    ]
    return plan(ticket, f"{ticket.customer['name']}: refund for {item['title']}, to another account",
                options, ["Cracked at the foot rest, reported on day fifteen, one day late: policy 4.2 is stretched.",
                          "The desk asks for what the customer wants; whether money may go elsewhere is the "
                          "policy's to say."],
                [(0.25, "The account is in another person's name."),
                 (0.08, "A solicitor is mentioned in another ticket of the same customer.")],
                records(crm, ticket, "4.2", "4.11"))


# Delivery -------------------------------------------------------------------------------------------


def late(crm, ticket):
    """Policy 4.1: the shipping fee goes back. Below two days there are only words."""
    order = ticket.order
    days = order["promised"] - order["delivered"]
    if days <= 2:
        return _hardly_late(crm, ticket, days)
    amount = round(order["shipping"] if days < 8 else order["shipping"] + 10, 2)
    message = letter(ticket.customer, f"your parcel came {days} days after the day that we had promised, and we are sorry.",
                     f"{money_text(amount, order)} go back to your card: the shipping fee"
                     + (", and something for the telephone calls." if days >= 8 else "."))
    options = [
        Option(f"Give {money_text(amount, order)} back", "refund.goodwill",
               refund(order, amount, f"{days} days late", message), ["policy 4.1 asks for it", "nobody has to ask"],
               [f"{amount:.2f}"]),
        Option("Apologise only", "message.send",
               {"to": ticket.customer["email"], "subject": f"Re: {ticket.case['subject']}",
                "body": letter(ticket.customer, f"your parcel came {days} days late, and we are sorry.")},
               ["free"], ["policy 4.1 promises more"]),
        handover(ticket, "shipping", "late"),
    ]
    return plan(ticket, f"{ticket.customer['name']}: {days} days late, {money_text(amount, order)} goodwill", options,
                [f"Promised {crm.day(order['promised'])}, delivered {crm.day(order['delivered'])}: {days} days.",
                 "Policy 4.1: the fee goes back without asking."], [], records(crm, ticket, "4.1"))


def _hardly_late(crm, ticket, days):
    order = ticket.order
    body = letter(ticket.customer, "thank you for telling us, and for taking it lightly.",
                  f"The parcel was {'a day' if days == 1 else f'{days} days'} late at the carrier. We have passed it on.")
    options = [
        Option("Tag it, no answer expected", "ticket.tag", {"ticket": ticket.id, "tag": "late, no claim"},
               ["nobody is bothered"], ["no thank-you"]),
        Option("Thank her", "message.send",
               {"to": ticket.customer["email"], "subject": f"Re: {ticket.case['subject']}", "body": body},
               ["friendly"], ["one more mail"]),
    ]
    return plan(ticket, f"{ticket.customer['name']} mentions a parcel {days} day late; nothing asked", options,
                ["Policy 4.1 begins after two days, and the customer asks for nothing."], [],
                records(crm, ticket, "4.1"))


def lost(crm, ticket):
    """Policy 4.4 and 4.5: lost in transit, or delivered to a blue door."""
    order, item = ticket.order, item_of(ticket.order)
    said_delivered = order["delivered"] is not None
    still = order["tracking"][-1][0]
    doubts = []
    if said_delivered:
        reasons = ["The carrier's picture shows another door than the customer describes.",
                   "It is the customer's first report of this kind: policy 4.5 believes it."]
        doubts.append((0.14, "The carrier says delivered, and was not asked again yet."))
    else:
        reasons = [f"No movement since {crm.day(still)}, {still} days: lost by policy 4.4."]
        doubts.append((0.05, "It may still turn up at the depot, and then there are two."))
    again = letter(ticket.customer, "your parcel is lost, and you have waited long enough.",
                   f"Another {name_of(item)} leaves our warehouse tomorrow by a different carrier. If the "
                   "first one turns up, keep it at the depot: we fetch it.")
    amount = crm.paid(order)
    back = letter(ticket.customer, "your parcel is lost, and you have waited long enough.",
                  f"{money_text(amount, order)} go back to your card.")
    options = [
        replace_option(crm, ticket, again),
        refund_option("Refund in full", order, amount, "lost in transit", back, ["final"], ["the sale is gone"]),
        handover(ticket, "shipping", "parcel lost: ask the carrier for proof"),
    ]
    return plan(ticket, f"{ticket.customer['name']}: {item['title']} never arrived; send it again", options,
                reasons + ["Either would do for the customer; a new one keeps the sale."], doubts,
                records(crm, ticket, "4.5" if said_delivered else "4.4"))


def wrong_item(crm, ticket):
    """Policy 4.6."""
    order, item, packed = ticket.order, item_of(ticket.order), ticket.order.get("packed", {})
    message = letter(ticket.customer, f"we packed {packed.get('title', 'the wrong thing')} into a bag that says "
                     f"{item['title']}. Our mistake, and we are sorry.",
                     "The right ones leave tomorrow. When they come, please give the others to the driver.")
    options = [
        replace_option(crm, ticket, message),
        refund_option("Refund in full", order, crm.paid(order), "wrong item",
                      letter(ticket.customer, "we sent you the wrong thing, and we are sorry. "
                             f"{money_text(crm.paid(order), order)} go back to your card."),
                      ["quick"], ["the customer wants the curtains"]),
        handover(ticket, "warehouse", "mixed-up bags"),
    ]
    return plan(ticket, f"{ticket.customer['name']}: white curtains instead of grey; send the grey ones", options,
                ["The packing list says white went out; the picture shows the same.", "Policy 4.6: the right one at once."],
                [(0.04, "More bags may be labelled wrongly: this one may be white again.")],
                records(crm, ticket, "4.6"))


# Payments -------------------------------------------------------------------------------------------


def charged_twice(crm, ticket):
    """Policy 4.7: counted at the payment service, not in the customer's screenshot."""
    order = ticket.order
    amount = crm.paid(order)
    charges = order.get("charges", 1)
    message = letter(ticket.customer, f"you are right: {order['id']} was charged {charges} times. We are sorry.",
                     f"The second {money_text(amount, order)} go back to your card today.")
    options = [
        refund_option("Refund the second charge", order, amount, "charged twice", message,
                      ["policy 4.7", "it is the customer's money"], []),
        handover(ticket, "payments", "double charge"),
    ]
    evidence = records(crm, ticket, "4.7")
    evidence.append({"title": "Payment service", "text": f"{charges} captures of {amount:.2f} for {order['id']}",
                     "source": f"payments://captures/{order['id']}", "data": {"captures": charges}})
    return plan(ticket, f"{ticket.customer['name']}: {order['id']} charged twice, {money_text(amount, order)} back",
                options, [f"The payment service has {charges} captures for one order.", "Policy 4.7: back on the day it is found."],
                [(0.03, "One of the two may still be a reservation that falls away by itself, whatever the bank shows.")], evidence)


def price_match(crm, ticket):
    """Policy 4.8."""
    order, item = ticket.order, item_of(ticket.order)
    amount = round(item["price"] - order["price_now"], 2)
    message = letter(ticket.customer, "there is: if our own price falls within two weeks, you get the difference.",
                     f"{money_text(amount, order)} go back to your card. Enjoy the {name_of(item)}.")
    options = [
        refund_option(f"Give back the difference of {money_text(amount, order)}", order, amount, "price match", message,
                      ["policy 4.8", "a customer since 2020 who asks politely"], [f"{amount:.2f}"]),
        handover(ticket, "sales", "price match"),
    ]
    return plan(ticket, f"{ticket.customer['name']}: price fell by {amount:.2f} in three days; give it back", options,
                [f"Bought for {item['price']:.2f}, now {order['price_now']:.2f}, delivered {order['delivered']} days ago.",
                 "Policy 4.8: the difference, once."],
                [(0.02, "The lower price is a sale that ends on Sunday.")], records(crm, ticket, "4.8"))


def sent_back(crm, ticket):
    """Policy 4.9, and the parcel is here."""
    order, item = ticket.order, item_of(ticket.order)
    amount = round(sum(each["price"] for each in order["items"]), 2)
    message = letter(ticket.customer, f"your parcel arrived on {crm.day(order['returned'])}, everything is as new.",
                     f"{money_text(amount, order)} go back to your card today. Sorry that you had to ask.")
    options = [
        refund_option("Refund the items", order, amount, "returned", message, ["owed", "policy 4.9"], []),
        refund_option("Refund with shipping", order, crm.paid(order), "returned", message.replace(f"{amount:.2f}", f"{crm.paid(order):.2f}"),
                      ["generous"], ["shipping is not owed on a change of mind"]),
        handover(ticket, "returns", "returned"),
    ]
    return plan(ticket, f"{ticket.customer['name']}: {item['title']} came back unused; refund {money_text(amount, order)}",
                options, [f"Received {order['returned']} days ago, unused.", "Policy 4.9: within 30 days, the price without shipping."],
                [(0.02, "We were slow: three days on the shelf.")], records(crm, ticket, "4.9"))


def returning(crm, ticket):
    """Policy 4.9: in time a label, later a friendly no with a person's exception left open."""
    order, item = ticket.order, item_of(ticket.order)
    in_time = order["delivered"] <= RETURN_DAYS
    if in_time:
        body = letter(ticket.customer, f"that is a pity, and no trouble. Please put the {name_of(item)} back "
                      "into its bag; the label is attached, and any post office takes it.",
                      f"When it is here, {money_text(item['price'], order)} go back to your card.")
        title, doubts = "Send a return label", [(0.03, "Worn once, it may not be sold as new.")]
        reasons = [f"Delivered {order['delivered']} days ago: in time by policy 4.9."]
    else:
        body = letter(ticket.customer, f"thank you for asking openly. The {name_of(item)} was "
                      f"delivered {order['delivered']} days ago and has been used; we take things back for thirty days, "
                      "so we cannot take this one.",
                      "If it is the weight: the same pan in 24 cm is a third lighter, and we would send it with 20 % off.")
        title, doubts = "Decline, and offer something", [(0.1, "A good customer since 2022; an exception would be remembered."),
                                                         (0.05, "The 20 % is an offer that nobody has agreed to.")]
        reasons = [f"Delivered {order['delivered']} days ago, twice the time of policy 4.9, and used."]
    options = [
        Option(title, "message.send", {"to": ticket.customer["email"], "subject": f"Re: {ticket.case['subject']}", "body": body},
               ["policy 4.9"], [] if in_time else ["a no"]),
        refund_option("Take it back all the same", order, item["price"], "returned",
                      letter(ticket.customer, "send it back, we take it. The label is attached."),
                      ["generous"], ["outside of policy 4.9" if not in_time else "before it is here"]),
        handover(ticket, "returns", "wants to return"),
    ]
    return plan(ticket, f"{ticket.customer['name']} wants to return {item['title']}: {title.lower()}", options, reasons,
                doubts, records(crm, ticket, "4.9"))


def cancel(crm, ticket):
    """Policy 6.2: free until it leaves; afterwards, what is still possible."""
    order, item = ticket.order, item_of(ticket.order)
    message = letter(ticket.customer, f"{order['id']} is cancelled, and {money_text(crm.paid(order), order)} go back to your card.",
                     "No trouble at all.")
    if not order["tracking"]:
        options = [Option(f"Cancel {order['id']}", "order.cancel", {"order_id": order["id"], "message": message},
                          ["policy 6.2", "not packed yet"], [f"a sale of {crm.paid(order):.2f} less"]),
                   handover(ticket, "sales", "wants to cancel")]
        return plan(ticket, f"{ticket.customer['name']} cancels {item['title']}, not yet packed", options,
                    ["It has not left the warehouse; policy 6.2 lets it go free of charge."], [], records(crm, ticket, "6.2"))
    body = letter(ticket.customer, "the parcel is on its way already, so we cannot stop it any more.",
                  "You need not be at home: the carrier keeps it for two weeks at the pick-up point. If you do not want it, "
                  "leave it there. It comes back to us by itself, and your money goes back to you.")
    options = [Option("Explain how to leave it at the depot", "message.send",
                      {"to": ticket.customer["email"], "subject": f"Re: {ticket.case['subject']}", "body": body},
                      ["no claim, no cost"], ["not quite what was asked"]),
               handover(ticket, "shipping", "stop the parcel if possible")]
    return plan(ticket, f"{ticket.customer['name']} wants to cancel {order['id']}, which is on its way", options,
                ["It left the warehouse; policy 6.2 ends there."],
                [(0.06, "The customer also asked in T-1016 when it comes: two answers may cross.")], records(crm, ticket, "6.2"))
