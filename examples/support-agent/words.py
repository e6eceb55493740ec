# SPDX-License-Identifier: Apache-2.0
"""Plans about words, accounts and the desk's own work.

What is sensitive follows the guide of its topic, goes out under an action that people always see, and
says nothing that is not in the records.
"""

import unicodedata

from thinking import (
    Option,
    customer_evidence,
    guide_evidence,
    handover,
    letter,
    order_evidence,
    plan,
    policy_evidence,
    tracking_evidence,
)


def known(crm, ticket, *more):
    """What the records hold about who wrote and about which order."""
    evidence = []
    if ticket.customer:
        evidence.append(customer_evidence(crm, ticket.customer))
    if ticket.order:
        evidence.append(order_evidence(crm, ticket.order))
    return evidence + list(more)


def answer(ticket, body, action="message.send", title="Answer as drafted", pros=(), cons=(), subject=None):
    arguments = {"to": ticket.case["from"], "subject": subject or f"Re: {ticket.case['subject']}", "body": body}
    return Option(title, action, arguments, list(pros), list(cons))


# Plain answers --------------------------------------------------------------------------------------


def where(crm, ticket):
    """The truth about the parcel, in one sentence."""
    order = ticket.order
    promised = crm.day(order["promised"])
    if order["tracking"]:
        last = order["tracking"][-1]
        body = letter(ticket.customer, f"it is at the {last[1]} since {crm.day(last[0])} and is planned for {promised}.",
                      "If that is a day on which you are away: the carrier moves it by up to a week, with the number "
                      "in the mail of yesterday.")
        reasons, doubts = ["The carrier moves it as planned."], [(0.07, "Depots slip by a day at this time of the year.")]
    else:
        body = letter(ticket.customer, f"it has not left our warehouse yet; it goes out tomorrow and is planned for {promised}. "
                      "The tracking number comes by mail on the same evening.")
        reasons, doubts = ["It is picked, and the van goes tomorrow."], [(0.12, "It is a present with a date: if the van is full, the answer was wrong.")]
    options = [answer(ticket, body, pros=["all that is known", "one mail"]),
               handover(ticket, "shipping", "make sure that it is in time")]
    return plan(ticket, f"{ticket.customer['name']} asks where {order['id']} is; say when it comes", options, reasons,
                doubts, known(crm, ticket, tracking_evidence(crm, order)))


def unclear(crm, ticket):
    """Not understood is a reason for a person, not for a guess."""
    options = [handover(ticket, "desk", "not understood")]
    return plan(ticket, f"{ticket.case['subject']}: not understood, handed over", options,
                ["No topic fits, and a guess would cost the customer a round."], [], known(crm, ticket))


TAGS = {
    "thanks": ("praise", "praise for packing; nothing asked"),
    "spam": ("spam", "advertising; no customer"),
    "bounce": ("bounce", "an address of the newsletter is gone"),
    "invoice": ("invoice copy", "the invoice robot sends it by this tag"),
}


def tag(crm, ticket):
    """A drawer for what needs no words."""
    name, why = TAGS[ticket.topic]
    options = [Option(f"Tag it {name}", "ticket.tag", {"ticket": ticket.id, "tag": name}, [why], []),
               handover(ticket, "desk", "look at it")]
    return plan(ticket, f"{ticket.case['subject']}: {why}", options, [f"{why.capitalize()}."], [], known(crm, ticket))


# Accounts -------------------------------------------------------------------------------------------


def from_file(ticket):
    """Whether the mail comes from the address on file and passed the checks of the mail server."""
    headers = ticket.case.get("headers", {})
    return ticket.case["from"] == ticket.customer["email"] and headers.get("spf") == "pass"


def address(crm, ticket):
    """Policy 5.1."""
    order, change = ticket.order, ticket.case["change"]
    arguments = {"customer_id": ticket.customer["id"], "order_id": order["id"], **change}
    options = [
        Option("Change the delivery address", "account.change_address", arguments,
               ["policy 5.1: not packed yet", "asked from the address on file"], ["a wrong house costs a parcel"]),
        answer(ticket, letter(ticket.customer, "to be sure: may we send it to "
                              f"{change['street']}, {change['city']}? A yes is enough."), title="Ask back first",
               pros=["safe"], cons=["a day"]),
        handover(ticket, "accounts", "new delivery address"),
    ]
    doubts = [(0.08, "With the address goes the parcel, and nobody has asked back.")]
    if "sister" in ticket.case["body"]:
        doubts.append((0.07, "It is somebody else's address: a present, or a parcel led astray."))
    evidence = known(crm, ticket, tracking_evidence(crm, order), policy_evidence(crm, "5.1"))
    evidence.append({"title": "Address on file", "text": f"{ticket.customer['street']}, {ticket.customer['city']}",
                     "source": f"crm://customers/{ticket.customer['id']}/address"})
    return plan(ticket, f"{ticket.customer['name']}: deliver {order['id']} to {change['street']}, {change['city']}",
                options, ["The order has not left, and SPF and DKIM pass.", "Policy 5.1 allows it."], doubts, evidence)


def scripts_of(text):
    """The scripts of its letters: more than one is a disguise more often than a name."""
    return sorted({unicodedata.name(c, "?").split()[0] for c in text if c.isalpha()})


def email(crm, ticket):
    """Policy 5.2: the address is the key to the account."""
    new = ticket.case["change"]["email"]
    change = Option("Change the e-mail address", "account.change_address",
                    {"customer_id": ticket.customer["id"], "email": new},
                    ["as asked"], ["the password reset goes along"])
    ask = Option("Ask at the address on file", "message.send",
                 {"to": ticket.customer["email"], "subject": "Did you ask for a new e-mail address?",
                  "body": letter(ticket.customer, f"we were asked to use {new} for your account from now on. If that was you, "
                                 "answer with a yes. If not, do nothing: nothing is changed.")},
                 ["policy 5.2", "stops a takeover"], ["a day, if the mailbox is still read"])
    person = handover(ticket, "accounts", "call the customer: the address on file may be lost")
    doubts = [(0.1, "Whoever has the address resets the password.")]
    good = from_file(ticket)
    evidence = known(crm, ticket, policy_evidence(crm, "5.2"))
    if good:
        reasons = ["Asked from the address on file, which passes its checks; same name at another provider."]
        options, what = [change, ask, person], "change it"
    else:
        reasons = ["The mail does not come from the address on file, fails SPF, is in a hurry, and forbids to ask there.",
                   "So exactly that is done first: ask at the address on file."]
        doubts = [(0.2, "If the mailbox is really lost, the customer waits for nothing: then a person must call.")]
        options, what = [ask, change, person], "ask at the old one"
    if len(scripts_of(new.split("@")[0])) > 1:
        evidence.append({"title": "The new address mixes alphabets",
                         "text": f"{' and '.join(scripts_of(new.split('@')[0]))} letters in {ascii(new)[1:-1]}",
                         "source": "screening://address"})
        doubts.append((0.15, "The new address looks like the customer's name and is not: it mixes alphabets."))
    return plan(ticket, f"{ticket.customer['name']}: new e-mail address asked for; {what}", options, reasons, doubts, evidence)


# Sensitive ------------------------------------------------------------------------------------------


def sensitive(crm, ticket, summary, body, team, reasons, doubts, evidence=(), shorter=None):
    """A letter by the guide of its topic; shorter: another one that says less."""
    options = [answer(ticket, body, "message.sensitive", "Answer as drafted", ["follows the guide"],
                      ["a letter where a call may be better"])]
    if shorter:
        options.append(answer(ticket, shorter, "message.sensitive", "Say less", ["nothing that can be held against us"],
                              ["cooler"]))
    options.append(handover(ticket, team, f"{ticket.topic}: take over"))
    shown = known(crm, ticket, guide_evidence(crm, ticket.topic), *evidence)
    return plan(ticket, summary, options, reasons, doubts, shown)


def bereavement(crm, ticket):
    owed = [o for o in crm.orders_of("C-1007") if o["items"][0]["sku"] == "CLB-BOX"]
    last = owed[0]
    body = ("Dear Ms Lindqvist,\n\nwe are very sorry for your loss.\n\nYour father's subscription has ended as of today. "
            f"The box that came back to us, {crm.paid(last):.2f} {last['currency']}, is being paid back to the account that it came "
            "from. You need not send us anything.\n\nYou should have had this answer the first time. If anything still "
            "arrives, please write to me, and I will see to it myself.\n\nWith my condolences,\nthe Oak & Lantern desk")
    shorter = ("Dear Ms Lindqvist,\n\nwe are very sorry for your loss. The subscription has ended, and nothing more will be "
               "sent or charged. A colleague takes care of the last payment.\n\nWith condolences,\nthe Oak & Lantern desk")
    evidence = [{"title": "Subscription of C-1007", "text": "Active; charged for O-20346 after the date that she names",
                 "source": "crm://subscriptions/C-1007"},
                {"title": "Earlier mails of hers", "text": "Two, both answered by the renewal template",
                 "source": "mailbox://support/R.Lindqvist"}]
    pay_back = plan(
        ticket, f"Erik Lindqvist's estate: pay back the box of {last['id']}",
        [Option("Refund the box that came back", "refund.issue",
                {"order_id": last["id"], "amount": crm.paid(last), "currency": last["currency"], "reason": "returned, recipient deceased",
                 "message": ""}, ["the letter to his daughter promises it"], []),
         handover(ticket, "payments", "estate of C-1007")],
        ["The box came back to us, and the letter that promises this has gone out."],
        [(0.04, "The account may be closed by now; then it comes back and a person has to ask for another.")],
        [order_evidence(crm, last), tracking_evidence(crm, last)])
    letter_first = sensitive(crm, ticket, "A daughter reports her father's death, for the third time", body, "care", [
        "She is not the customer, but the parcel came back marked 'recipient deceased', which bears her out.",
        "The guide asks for no document below 100."], [
            (0.12, "The letter promises a payment that is proposed after it and may be refused."),
            (0.08, "No document proves the death.")], evidence, shorter)
    return letter_first._replace(then=(pay_back,))


def injury(crm, ticket):
    sku = ticket.order["items"][0]["sku"]
    known_harm = crm.knowledge["safety"].get(sku, [])
    child = "daughter" in ticket.case["body"]
    if child:
        body = letter(ticket.customer, "how is your daughter now? Please switch the diffuser off and air the room until you have talked "
                      "to your doctor, and keep the bottle.",
                      "It holds cedarwood oil and linalool; both stand on the label. The full list of the maker comes to you today, "
                      "for your doctor. A colleague of product safety calls you tomorrow morning.",
                      close="All the best for her,\nthe Oak & Lantern desk")
        about, doubts = "a rash and a cough after using the diffuser", [
            (0.15, "The advice to switch it off could be read as saying that it is the cause."),
            (0.08, "The list names what the label names; what else is in 'cedar' is not in our records.")]
    else:
        body = letter(ticket.customer, "how is your husband? A night in hospital is a fright, and we are glad that nothing is broken.",
                      "Please keep the ladder as it is and do not use it. A colleague of product safety calls you tomorrow, "
                      "collects it at our cost, and tells you what the examination finds. Until then we do not sell any more of them.",
                      close="With our best wishes for him,\nthe Oak & Lantern desk")
        about, doubts = "a fall from the step ladder", [
            (0.2, "'We do not sell any more of them' promises a stop that product safety has to order first."),
            (0.1, "It is the second report about a rung: an answer by a lead on the telephone may be owed.")]
    evidence = [{"title": f"Safety file {sku}", "text": "\n".join(known_harm) or "No earlier report", "source": f"safety://files/{sku}"}]
    shorter = letter(ticket.customer, "thank you for telling us. We hope for a quick recovery. Please do not use it and keep it as it is. "
                     "A colleague of product safety calls you tomorrow.")
    return sensitive(crm, ticket, f"{ticket.customer['name']} reports {about}", body, "product safety", [
        "Somebody was hurt: the guide puts the person first and admits no cause.", "Product safety is told on the same day."],
                     doubts, evidence, shorter)


def legal(crm, ticket):
    body = letter(None, "thank you for your letter about the bar stool from O-20433.", "It is with our legal desk, which answers you in "
                  "writing within five working days. Please send anything further there, so that nothing gets lost.").replace(
                      "Dear there", "Dear Mr Hartley")
    return sensitive(crm, ticket, "A customer sets a deadline and names his solicitor", body, "legal", [
        "The guide: acknowledge, argue nothing, hand to the legal desk."], [
            (0.1, "His deadline is seven days, the legal desk's answer takes five working ones: that is close."),
            (0.06, "A refund for the same stool is proposed in T-1023; one hand should hold both.")],
                     [{"title": "Calls on record", "text": "Two last week, 14 and 9 minutes, no notes", "source": "phone://calls/C-1027"}])


def press(crm, ticket):
    body = ("Dear Ms Stone,\n\nthank you for asking before you write. Our press office answers you today; I have passed on your "
            "deadline of tomorrow noon.\n\nKind regards,\nthe Oak & Lantern desk")
    late = crm.knowledge["carriers"]
    return sensitive(crm, ticket, "A journalist asks about late parcels, with a deadline", body, "press office", [
        "The guide: no facts by the desk.", "Her deadline is short, so the press office must see it today."], [
            (0.08, "If the press office does not answer by noon, this promise is the story."),
            (0.04, "Whether she works there was not checked.")],
                     [{"title": "Figures, for the press office only",
                       "text": f"{late['late']} of {late['shipped']} late in {late['period_days']} days",
                       "source": "metrics://carriers", "data": late}])


def discrimination(crm, ticket):
    body = letter(ticket.customer, "what you describe should not have happened, and not in front of your children. I am sorry.",
                  "The lead of our desk takes it up with the carrier today, with the name of the driver on that tour, and writes to you "
                  "by Friday what came of it. If you would rather talk than write, answer with a number, and she calls you.",
                  close="Yours sincerely,\nthe Oak & Lantern desk")
    shorter = letter(ticket.customer, "thank you for telling us. I am sorry. The lead of our desk takes it up today and writes to you by Friday.")
    return sensitive(crm, ticket, "A customer reports how the driver spoke to him", body, "lead of the desk", [
        "The guide: take it as told, say who looks into it and by when, offer a call.",
        "A refund is not offered: he says that it is not about the teapot."], [
            (0.12, "It promises a date on a lead's behalf."), (0.05, "The driver was not heard; the letter names nobody, but takes a side.")],
                     [tracking_evidence(crm, ticket.order)], shorter)


def privacy(crm, ticket):
    body = letter(ticket.customer, "we have received your request under article 15 on this day. Our data office answers within one month: with "
                  "a copy of your data, with whom it was shared, and with what happens to your account afterwards.",
                  "Some records, such as invoices, have to be kept for some years by law; the answer names them.")
    return sensitive(crm, ticket, "A request for all data, and to delete the account", body, "data office", [
        "The guide: confirm, name the month, delete nothing.", "The data office gets it with the date of receipt."], [
            (0.05, "The mail came from the address on file, but the identity was not checked beyond that.")],
                     [policy_evidence(crm, "7.1")])


def hardship(crm, ticket):
    body = letter(ticket.customer, "thank you for writing before the date, that makes it easier.",
                  "We can move the next two instalments behind the last one: then nothing is due until February, and nothing is added. "
                  "We cannot take the sofa back against the full price any more. If February is too early, tell us in January.")
    return sensitive(crm, ticket, "A customer has lost his job and asks about two instalments", body, "payments", [
        "The guide: say what can be done, no pity.", "Moving two instalments is within what payments usually grants."], [
            (0.18, "Payments has not confirmed the delay; the letter promises it."),
            (0.08, "His ticket T-1021 about a torn cushion is open too: one person should see both.")],
                     [{"title": "Instalments of O-20421", "text": "4 of 6 open, next on the first, 192.67 GBP each", "source": "payments://plans/O-20421"}])


def vip(crm, ticket):
    """Long-standing, loud, and right."""
    order, item = ticket.order, ticket.order["items"][0]
    brass = "brass" in ticket.case["body"]
    name = "Ms Langley" if brass else "Mr Whitfield"
    if brass:
        body = (f"Dear {name},\n\nyou are right to be angry. A chandelier is not a thing that one hangs crooked and leaves.\n\nOur "
                "metalworker, who made it, can come on Thursday at ten, straighten both arms and rewire the socket in your hall. "
                "It hangs properly on Friday. If it does not, we take it down and you get everything back.\n\nI call you this "
                "afternoon to ask whether ten suits you.\n\nYours sincerely,\nthe Oak & Lantern desk")
        doubts = [(0.22, "The metalworker's Thursday is free in the calendar and was not asked."),
                  (0.1, "'Everything back' is 3,450.")]
    else:
        body = (f"Dear {name},\n\nthree days off work for a table that is still not there: that is ours to answer for, and no "
                "excuse mends it.\n\nThe head of deliveries calls you today before six. She brings the table herself, with two men, at the "
                "hour that you name on Saturday. For your lost days we propose 240 off the price, and would understand if you name "
                "another figure.\n\nYours sincerely,\nthe Oak & Lantern desk")
        doubts = [(0.18, "240 is 8 % of the price, and nobody has agreed to it."),
                  (0.12, "It promises a call and a person for today; it is already late in the day.")]
    options = [
        answer(ticket, body, "message.sensitive", "Put it right, with a date", ["what is asked for", f"{ticket.customer['spent']:.0f} in {crm.today.year - ticket.customer['since']} years"],
               ["promises that others must keep"]),
        Option("Refund in full and collect it", "refund.issue",
               {"order_id": order["id"], "amount": round(item["price"], 2), "currency": order["currency"], "reason": "complaint",
                "message": letter(None, "we take it back and refund everything.").replace("Dear there", f"Dear {name}")},
               ["ends it"], [f"{item['price']:.2f}", "not what is asked for"]),
        handover(ticket, "lead of the desk", "call back today"),
    ]
    return plan(ticket, f"{ticket.customer['name']}, a customer since {ticket.customer['since']}, is at the end of their patience", options,
                ["The facts bear the complaint out.", "A voucher would make it worse; a date and a person may not."], doubts,
                known(crm, ticket, tracking_evidence(crm, order),
                      {"title": "Calendar", "text": "Metalworker free on Thursday 9 to 12; head of deliveries free on Saturday", "source": "calendar://workshop"}))


# The desk's own work --------------------------------------------------------------------------------


def report(crm, ticket):
    figures = crm.figures()
    late = crm.knowledge["carriers"]
    lines = [f"{action}: {row['count']}" + (f", {row['sum']:.2f}" if row["sum"] else "") for action, row in sorted(figures.items())]
    body = "Done by the desk so far:\n" + ("\n".join(lines) or "nothing yet") + (
        f"\n\nParcels in {late['period_days']} days: {late['shipped']} shipped, {late['late']} late, {late['lost']} lost.")
    options = [Option("File it", "report.file", {"title": f"Desk report of {crm.day(0)}", "body": body}, ["internal", "as every week"], []),
               handover(ticket, "operations", "report by hand")]
    return plan(ticket, "The weekly report of the desk, for colleagues", options, ["Counted from the records."], [],
                [{"title": "Figures", "text": body, "source": "crm://effects", "data": figures}])


def publication(crm, ticket):
    c = crm.knowledge["carriers"]
    share = round(100 * c["late"] / c["shipped"])
    body = (f"In the last two weeks {c['late']} of {c['shipped']} parcels ({share} %) came late, most of them after the strike at our carrier. "
            f"{c['lost']} were lost.\n\nIf yours is among them, you need not write: more than two days after the promised date, the "
            "shipping fee goes back to your card by itself. If your parcel has not moved for seven days, tell us, and we send another.")
    without = body.replace(f"{c['late']} of {c['shipped']} parcels ({share} %) came late", "more parcels than usual came late")
    article = {"channel": "help centre", "title": "Late parcels after the carrier strike", "body": body}
    options = [
        Option("Publish with the figures", "article.publish", article, ["honest", "ends forty mails a day"], ["figures get quoted"]),
        Option("Publish without figures", "article.publish", {**article, "body": without}, ["nothing to quote"], ["reads like an excuse"]),
        handover(ticket, "communications", "wanted for today"),
    ]
    return plan(ticket, "A help-centre article on late parcels, wanted today", options,
                ["Every figure comes from the carrier's data of the last 14 days.", "What customers get is policy 4.1 and 4.4."],
                [(0.16, "A journalist asks for the same figures today (T-1027): published, they are confirmed."),
                 (0.1, f"The strike explains {c['late_after_strike']} of {c['late']}; 'most' is right, 'the reason' would not be."),
                 (0.05, "'By itself' holds only while this desk does it.")],
                [{"title": "Carrier's data", "text": f"{c['shipped']} shipped, {c['late']} late, {c['late_after_strike']} of these after the strike, {c['lost']} lost",
                  "source": "metrics://carriers?days=14", "data": c}, policy_evidence(crm, "4.1"), policy_evidence(crm, "4.4")])


def export(crm, ticket):
    options = [
        Option("Export as asked", "customer.export",
               {"segment": "customers who spent more than 500", "fields": ["name", "email", "address"], "deliver_to": "partner@mailhouse.example"},
               ["wanted today"], ["policy 7.1", "a mail to an outside address"]),
        handover(ticket, "data office", "sales wants a list for a mailing; policy 7.1"),
    ]
    return plan(ticket, "Sales wants a customer list sent to a printer", options,
                ["A colleague asks, so the desk asks; whether data may leave is the policy's to say."],
                [(0.4, "'Marketing said fine' is no written request, and the address is outside.")], [policy_evidence(crm, "7.1")])
