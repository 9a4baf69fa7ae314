/** Stands in for the platform's navigation: records have a page of their own here too. */

const Navigate = Symbol('Navigate');
const GenerateUrl = Symbol('GenerateUrl');

function addressOf({ attributes }) {
  const base = document.querySelector('meta[name="records"]').content;
  return `${base}/${attributes.recordId}`;
}

export function NavigationMixin(Base) {
  return class extends Base {
    [GenerateUrl](page) {
      return Promise.resolve(addressOf(page));
    }
    [Navigate](page) {
      location.assign(addressOf(page));
    }
  };
}
NavigationMixin.Navigate = Navigate;
NavigationMixin.GenerateUrl = GenerateUrl;
