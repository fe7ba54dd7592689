/* What the page says where no answer of the node has words of its own. */

export const problemTexts = {
  otherTitle: (status: number) => `Answered ${status}, and not by Holdfast`,
  otherDetail: 'Something between this browser and the node answered in its place.',
  otherRemediation: 'Look at the load balancer or proxy in between.',
  untitled: (status: number) => `Refused with ${status}`,
  unreachable: 'The node does not answer',
  unreachableDetail:
    'No answer came: the node is down, is starting again, or cannot be reached from this browser.',
  unreachableAct: 'It may have been done all the same: look before you repeat it.',
  unreachableRead: 'What is shown is from before. It is retried automatically.',
} as const;
