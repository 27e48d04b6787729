import fc from "fast-check";
import { describe, test } from "vitest";
import { moneyText, priceText, quantityText } from "../../src/domain/money-text.ts";

describe("does", () => {
  test("an amount has its currency's digits, its sign in front and thousands apart", ({ expect }) => {
    expect(moneyText(123_450, "EUR")).toBe("€1,234.50");
    expect(moneyText(5, "USD")).toBe("$0.05");
    expect(moneyText(0, "GBP")).toBe("£0.00");
    expect(moneyText(1_234_567, "JPY")).toBe("¥1,234,567");
    expect(moneyText(100, "INR")).toBe("₹1.00");
    expect(moneyText(999_999, "JPY")).toBe("¥999,999");
  });

  test("a currency without a sign of its own is written with its code, on one line", ({ expect }) => {
    expect(moneyText(1_234_567, "BHD")).toBe("BHD\u00a01,234.567");
    expect(moneyText(1_200, "PLN")).toBe("PLN\u00a012.00");
    expect(moneyText(7, "CLF")).toBe("CLF\u00a00.0007");
  });

  test("an amount below 0 begins with a minus", ({ expect }) => {
    expect(moneyText(-1_000, "JPY")).toBe("−¥1,000");
    expect(moneyText(-1, "PLN")).toBe("−PLN\u00a00.01");
  });

  test("a price keeps every digit it has and gets those of its currency", ({ expect }) => {
    expect(priceText("0.000002", "USD")).toBe("$0.000002");
    expect(priceText("10", "USD")).toBe("$10.00");
    expect(priceText("0.5", "USD")).toBe("$0.50");
    expect(priceText("1000", "JPY")).toBe("¥1,000");
    expect(priceText("0.25", "JPY")).toBe("¥0.25");
  });

  test("a quantity is grouped by thousands before the point alone", ({ expect }) => {
    expect(quantityText("1234567.891234")).toBe("1,234,567.891234");
    expect(quantityText("-1000")).toBe("−1,000");
    expect(quantityText("0")).toBe("0");
  });
});

describe("refuses", () => {
  test("what is no exact decimal is not printed", ({ expect }) => {
    for (const text of ["", "1e3", "1,000", "NaN", ".5", "1."])
      expect(() => priceText(text, "USD")).toThrow("exact decimal text");
  });

  test("an amount that is no safe integer is not printed", ({ expect }) => {
    expect(() => moneyText(1.5, "USD")).toThrow("safe integer");
    expect(() => moneyText(2 ** 53, "USD")).toThrow("safe integer");
  });
});

describe("holds", () => {
  test("the digits of a text are the amount it was made of", ({ expect }) => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.constantFrom("EUR", "JPY", "BHD", "PLN", "CLF"), (amountMinor, currency) => {
        const text = moneyText(amountMinor, currency);
        const digits = Number(text.replace(/\D/g, ""));
        expect(text.startsWith("−") ? 0 - digits : digits).toBe(amountMinor);
      }),
    );
  });
});
