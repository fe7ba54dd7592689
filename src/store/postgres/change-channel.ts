/** What of the things that XKS workers serve by was changed is not in it: only that something was. */
export const changeChannel = 'holdfast_change';
