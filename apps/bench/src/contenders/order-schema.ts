import { z } from "zod";

/** The order, for the libraries whose documentation validates inputs. */
export const orderSchema = z.object({
  id: z.string(),
  customer: z.object({ id: z.string(), name: z.string(), email: z.string() }),
  currency: z.string(),
  items: z.array(
    z.object({ sku: z.string(), name: z.string(), quantity: z.number(), price: z.number(), taxed: z.boolean() }),
  ),
  total: z.number(),
});
