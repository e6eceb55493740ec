# SPDX-License-Identifier: Apache-2.0
"""The shop's records: customers, orders, stock, policy texts, and what the desk has done.

The sample data stands in data/*.json and never changes; what is executed goes into a small SQLite
file of its own. This is where an approved action takes effect, so it has the last word: a refund of
more than was paid, or a goodwill above its cap, is refused here whoever approved it.
"""

import datetime
import json
import pathlib
import sqlite3
import threading

HERE = pathlib.Path(__file__).resolve().parent
GOODWILL_MAX = 25.0
REFUNDED = ("refund.issue", "refund.goodwill")

SCHEMA = """
CREATE TABLE IF NOT EXISTS effects(
    id INTEGER PRIMARY KEY, at TEXT, ticket TEXT, action TEXT, order_id TEXT, amount REAL, arguments TEXT);
CREATE TABLE IF NOT EXISTS endings(ticket TEXT PRIMARY KEY, at TEXT, ending TEXT);
"""


class CrmError(Exception):
    """What the records do not allow. Nothing has been changed."""


def read(name):
    """One of the files of data/."""
    return json.loads((HERE / "data" / f"{name}.json").read_text(encoding="utf-8"))


class Crm:
    """The records, with a file for what is done. Safe for threads."""

    def __init__(self, path=":memory:", today=None):
        self.today = today or datetime.date.today()
        self.customers = {row["id"]: row for row in read("customers")}
        self.orders = {row["id"]: row for row in read("orders")}
        self.knowledge = read("knowledge")
        self.shop = self.knowledge["shop"]
        self._lock = threading.RLock()
        self._db = sqlite3.connect(str(path), check_same_thread=False)
        self._db.executescript(SCHEMA)

    def close(self):
        with self._lock:
            self._db.close()

    # Looking things up.

    def day(self, days_ago):
        """The date so many days ago (or ahead, where it is negative), as in 2026-11-20."""
        return (self.today - datetime.timedelta(days=days_ago)).isoformat()

    def customer_by_mail(self, address):
        """The customer whose address on file this is, or None."""
        return next((c for c in self.customers.values() if c["email"] == address), None)

    def orders_of(self, customer_id):
        """The customer's orders, the newest first."""
        mine = [o for o in self.orders.values() if o["customer"] == customer_id]
        return sorted(mine, key=lambda order: order["placed"])

    def paid(self, order):
        """Items and shipping, once."""
        return round(sum(item["price"] for item in order["items"]) + order["shipping"], 2)

    def refunds(self, order):
        """Amounts that went back for this order, before and through this desk."""
        with self._lock:
            marks = ",".join("?" * len(REFUNDED))
            rows = self._db.execute(
                f"SELECT amount FROM effects WHERE order_id = ? AND action IN ({marks})",
                (order["id"], *REFUNDED),
            )
            return [r["amount"] for r in order.get("refunds", [])] + [amount for (amount,) in rows]

    def refunds_of(self, customer_id, within_days=90):
        """(order id, days ago, amount, reason) of the customer's refunds on record."""
        return [
            (order["id"], row["days_ago"], row["amount"], row["reason"])
            for order in self.orders_of(customer_id)
            for row in order.get("refunds", [])
            if row["days_ago"] <= within_days
        ]

    def stock(self, sku):
        """How many are in the warehouse."""
        return self.knowledge["stock"].get(sku, 0)

    def policy(self, number):
        """The text of a paragraph of the desk's policy."""
        return self.knowledge["policies"][number]

    def guide(self, topic):
        """How the desk writes about what is sensitive."""
        return self.knowledge["guides"][topic]

    def figures(self):
        """What the weekly report counts: refunds, replacements and messages through this desk."""
        with self._lock:
            rows = self._db.execute("SELECT action, count(*), total(amount) FROM effects GROUP BY action")
            return {action: {"count": count, "sum": round(total, 2)} for action, count, total in rows}

    # What takes effect.

    def execute(self, ticket, action, arguments):
        """Carries out an approved action; a sentence on what was done. CrmError: refused."""
        with self._lock:
            check = CHECKS.get(action)
            if check is None:
                raise CrmError(f"nobody here carries out {action}")
            done = check(self, arguments)
            self._db.execute(
                "INSERT INTO effects(at, ticket, action, order_id, amount, arguments) VALUES(?,?,?,?,?,?)",
                (
                    datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
                    ticket,
                    action,
                    arguments.get("order_id"),
                    arguments.get("amount"),
                    json.dumps(arguments, ensure_ascii=False),
                ),
            )
            self._db.commit()
            return done

    def effects(self):
        """(ticket, action, arguments) of everything that was carried out, in order."""
        with self._lock:
            rows = self._db.execute("SELECT ticket, action, arguments FROM effects ORDER BY id").fetchall()
        return [(ticket, action, json.loads(text)) for ticket, action, text in rows]

    def end(self, ticket, ending):
        """Closes a ticket: it is not taken up again."""
        with self._lock:
            self._db.execute(
                "INSERT OR REPLACE INTO endings VALUES(?, ?, ?)", (ticket, self.day(0), ending)
            )
            self._db.commit()

    def endings(self):
        """How each closed ticket ended."""
        with self._lock:
            return dict(self._db.execute("SELECT ticket, ending FROM endings").fetchall())


def _order(crm, arguments):
    order = crm.orders.get(arguments.get("order_id"))
    if order is None:
        raise CrmError(f"there is no order {arguments.get('order_id')}")
    return order


def _refund(crm, arguments):
    order, amount = _order(crm, arguments), arguments["amount"]
    charged = crm.paid(order) * order.get("charges", 1)
    left = round(charged - sum(crm.refunds(order)), 2)
    if arguments["currency"] != order["currency"]:
        raise CrmError(f"{order['id']} was paid in {order['currency']}")
    if not 0 < amount <= left:
        raise CrmError(f"{amount} is not within the {left} {order['currency']} that are left to refund")
    return f"{amount:.2f} {order['currency']} back to the card that paid {order['id']}"


def _goodwill(crm, arguments):
    if arguments["amount"] > GOODWILL_MAX:
        raise CrmError(f"goodwill ends at {GOODWILL_MAX:.0f}; more is a refund, and reviewed")
    return _refund(crm, arguments) + ", as goodwill"


def _replace(crm, arguments):
    _order(crm, arguments)
    if crm.stock(arguments["sku"]) < 1:
        raise CrmError(f"{arguments['sku']} is not in stock")
    crm.knowledge["stock"][arguments["sku"]] -= 1
    return f"{arguments['sku']} leaves the warehouse tomorrow"


def _cancel(crm, arguments):
    order = _order(crm, arguments)
    if order["tracking"]:
        raise CrmError(f"{order['id']} has left the warehouse")
    return f"{order['id']} is cancelled, {crm.paid(order):.2f} {order['currency']} go back"


def _address(crm, arguments):
    if arguments["customer_id"] not in crm.customers:
        raise CrmError(f"there is no customer {arguments['customer_id']}")
    return f"{arguments['customer_id']} has a new address"


CHECKS = {
    "refund.issue": _refund,
    "refund.goodwill": _goodwill,
    "order.replace": _replace,
    "order.cancel": _cancel,
    "account.change_address": _address,
    "message.send": lambda crm, a: f"sent to {a['to']}",
    "message.sensitive": lambda crm, a: f"sent to {a['to']}",
    "article.publish": lambda crm, a: f"published in {a['channel']}",
    "ticket.tag": lambda crm, a: f"tagged {a['tag']}",
    "ticket.handover": lambda crm, a: f"with {a['team']} now",
    "report.file": lambda crm, a: f"filed as {a['title']}",
}
