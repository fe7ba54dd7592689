import address from '../theme/mark.svg';

export { default as wordmark } from '../theme/wordmark.svg';

export function Mark({ size = 32 }: { size?: number }) {
  return <img src={address} alt="" width={size} height={size} />;
}
