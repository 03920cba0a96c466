/** An order of ten lines, about 1 KiB as JSON: what a business call carries. */
export interface Order {
  id: string;
  customer: { id: string; name: string; email: string };
  currency: string;
  items: OrderLine[];
  total: number;
}

interface OrderLine {
  sku: string;
  name: string;
  quantity: number;
  price: number;
  taxed: boolean;
}

/** Orders differ by `i`, so that a reply that belongs to another call is noticed. */
export function makeOrder(i: number): Order {
  return {
    id: `ord-2024-${String(i % 1_000_000).padStart(6, "0")}`,
    customer: { id: "cust-778", name: "Ada Lovelace", email: "ada@example.com" },
    currency: "EUR",
    items: Array.from({ length: 10 }, (_, line) => ({
      sku: `SKU-10${line}`,
      name: `Product number ${line}`,
      quantity: line + 1,
      price: 19.99 + line,
      taxed: line % 2 === 0,
    })),
    total: 1234.5 + (i % 100),
  };
}

/** Are all fields the same? A library may answer with instances of its own classes. */
export function sameOrder(one: Order, other: Order): boolean {
  return (
    one.id === other.id &&
    one.customer.id === other.customer.id &&
    one.customer.name === other.customer.name &&
    one.customer.email === other.customer.email &&
    one.currency === other.currency &&
    one.total === other.total &&
    one.items.length === other.items.length &&
    one.items.every((line, i) => sameLine(line, other.items[i] as OrderLine))
  );
}

function sameLine(one: OrderLine, other: OrderLine): boolean {
  return (
    one.sku === other.sku &&
    one.name === other.name &&
    one.quantity === other.quantity &&
    one.price === other.price &&
    one.taxed === other.taxed
  );
}
