import { expect, test } from 'vitest';
import { phoneOf, type RawTraits, traitsOf } from '../../src/platform/contact-traits.ts';
import { mailKindOf } from '../../src/platform/mail-domains.ts';

const NONE: RawTraits = {
  email: null,
  phones: [],
  countryCode: null,
  street: null,
  postalCode: null,
  country: null,
  customerSince: null,
};

test('an address is of a company, of a public provider, of a relay or thrown away', () => {
  expect(
    [
      'a@acme.example',
      'a@GMail.com ',
      'a@mailinator.com',
      'a@privaterelay.appleid.com',
      'a@duck.com',
      'nonsense',
      null,
    ].map((address) => mailKindOf(address)),
  ).toEqual(['company', 'public', 'disposable', 'relay', 'relay', null, null]);
});

test('one number is one number, however it was written', () => {
  const spellings = ['+49 (0)30 5555555', '0049 30 5555555', '+49305555555', '+49 30/555-55-55'];
  expect(new Set(spellings.map((text) => phoneOf(text, '')))).toEqual(new Set(['+49305555555']));
  expect(phoneOf('030 5555555', 'de')).toBe('+49305555555');
});

test('a number without its country is compared by its digits, and an extension with nobody’s', () => {
  expect(phoneOf('030 555 55 55', '')).toBe('local:0305555555');
  expect(phoneOf('030 555 55 55', 'XX')).toBe('local:0305555555');
  for (const none of ['', '-', 'call me', '1234', '0000']) expect(phoneOf(none, '')).toBeNull();
});

test('one household is one, however the street was written, and a street without a postal code is none', () => {
  const at = (street: string, postalCode: string | null) =>
    traitsOf({ ...NONE, street, postalCode, country: 'Germany' }).address;
  expect(at('Hauptstraße 7', '10115')).toBe(at('HAUPTSTR. 7', '10 115'));
  expect(at('5 Main Street', 'N1 9GU')).toBe(at('5, main st', 'n19gu'));
  expect(at('Hauptstraße 7', '10115')).not.toBe(at('Hauptstraße 8', '10115'));
  expect(at('Hauptstraße 7', null)).toBeUndefined();
  expect(at('', '10115')).toBeUndefined();
});

test('what a CRM does not tell is not there', () => {
  expect(traitsOf(NONE)).toEqual({});
  expect(traitsOf({ ...NONE, phones: [null, '', '+49 30 5555555', '0049305555555'], customerSince: 5 })).toEqual({
    phones: ['+49305555555'],
    customerSince: 5,
  });
});
