// SPDX-License-Identifier: Apache-2.0
// What the code around an agent knows besides what the agent wants: the records that the session has
// looked up so far, as the labels that examples/policies/airline.yaml and retail.yaml read. Taken from the
// answers of the environment in tau-bench's transcripts, never from what the agent wrote.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const TODAY = '2024-05-15'; // of the airline's policy, whose clock stands
const LABEL_MAX = 250;

/** Session -> its messages; null where the data is not there. */
export function loadSessions(folder) {
  const file = join(folder, 'tau_bench/sessions.jsonl.gz');
  if (!existsSync(file)) return null;
  const lines = gunzipSync(readFileSync(file)).toString().split('\n').filter(Boolean);
  return new Map(lines.map((line) => JSON.parse(line)).map((each) => [each.session, each.messages]));
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // an error message, or prose
  }
}

/** The records of one session, read on up to the call that is proposed. */
export class Records {
  #messages;
  #at = 0;
  #calls = []; // since the last answer
  reservations = new Map();
  orders = new Map();
  users = new Map();
  products = new Map(); // item -> {product, available}
  cancelled = new Set(); // "HAT001 2024-05-20"
  customer = ''; // the first that was looked up
  reservation = null; // the last that was looked up

  constructor(messages) {
    this.#messages = messages ?? [];
  }

  /** Reads what was answered before this call was made. A call that is not there changes nothing. */
  advance(row) {
    const wanted = JSON.stringify(row.arguments);
    const isIt = (call) => call.name === row.action && JSON.stringify(call.arguments) === wanted;
    const end = this.#messages.findIndex(
      (message, i) => i >= this.#at && message.role === 'assistant' && message.tool_calls?.some(isIt),
    );
    if (end < 0) return;
    for (; this.#at < end; this.#at++) this.#read(this.#messages[this.#at]);
    this.#calls = this.#messages[end].tool_calls;
    this.#at = end + 1;
  }

  #read(message) {
    if (message.role === 'assistant') {
      if (message.tool_calls) this.#calls = [...message.tool_calls];
    } else if (message.role === 'tool') {
      const call = this.#calls.shift();
      if (call) this.#answer(call, message.content);
    }
  }

  #answer({ name, arguments: args }, text) {
    const record = parsed(text);
    if (name === 'get_flight_status' && /cancel/i.test(text)) {
      this.cancelled.add(`${args.flight_number} ${args.date}`);
    }
    if (/^find_user_id/.test(name) && /^\w+_\d+$/.test(text)) this.customer ||= text;
    if (!record || typeof record !== 'object') return;
    if (record.reservation_id && record.flights) {
      this.reservations.set(record.reservation_id, record);
      this.reservation = record;
    }
    if (record.order_id && record.items) this.orders.set(record.order_id, record);
    if (name === 'get_user_details' && record.payment_methods) {
      this.users.set(args.user_id, record);
      this.customer ||= args.user_id;
    }
    for (const [item, variant] of Object.entries(record.variants ?? {})) {
      this.products.set(item, { product: record.product_id, available: variant.available });
    }
  }

  labels(row) {
    const made = row.domain === 'airline' ? this.#airline(row) : this.#retail(row);
    const kept = Object.entries(made).filter(([, value]) => value !== undefined && value.length <= LABEL_MAX);
    return Object.fromEntries(kept);
  }

  #airline(row) {
    const id = row.arguments.reservation_id;
    const record = id ? this.reservations.get(id) : row.action === 'send_certificate' ? this.reservation : null;
    const user = this.users.get(record?.user_id ?? row.arguments.user_id);
    const profile = user
      ? { membership: user.membership, payment_methods: Object.keys(user.payment_methods).join(',') }
      : {};
    if (!record) return profile;
    const flights = record.flights.map((flight) => `${flight.flight_number} ${flight.date}`);
    return {
      ...profile,
      cabin: record.cabin,
      flight_type: record.flight_type,
      origin: record.origin,
      flights: flights.join(','),
      passengers: `${record.passengers.length}`,
      bags: `${record.total_baggages}`,
      insurance: record.insurance,
      created_at: `${record.created_at}-05:00`,
      flown: record.flights.some((flight) => flight.date < TODAY) ? 'yes' : 'no',
      cancelled: flights.some((flight) => this.cancelled.has(flight)) ? 'yes' : 'no',
    };
  }

  #retail(row) {
    const { order_id: id, item_ids: old, new_item_ids: items, payment_method_id: pays } = row.arguments;
    const order = this.orders.get(id);
    const user = this.users.get(order?.user_id ?? row.arguments.user_id ?? this.customer);
    const methods = user ? Object.keys(user.payment_methods) : null;
    const made = methods ? { payment_methods: methods.join(',') } : {};
    if (!order) return made;
    const inOrder = new Map(order.items.map((item) => [item.item_id, item.product_id]));
    made.status = order.status;
    made.customer = order.user_id;
    made.items = [...inOrder.keys()].join(',');
    made.payment = order.payment_history?.[0]?.payment_method_id;
    if (Array.isArray(items) && items.every((item) => this.products.has(item))) {
      made.item_products = old.map((item) => inOrder.get(item) ?? '?').join(',');
      made.new_item_products = items.map((item) => this.products.get(item).product).join(',');
      made.unavailable = items.filter((item) => !this.products.get(item).available).join(',');
    }
    const balance = user?.payment_methods[pays]?.balance;
    if (row.action === 'modify_pending_order_payment' && balance !== undefined) {
      made.balance_covers = balance >= order.payment_history[0].amount ? 'yes' : 'no';
    }
    return made;
  }
}
