/** What statements do not tell a planner, which may know the tables only from when they were empty. See also `Dialect.limitByIndex`. */

/**
 * A condition of which a planner supposes that half of the rows fulfil it. It would take a lease that has ended for rare, and then
 * rather read and sort all that is due than follow the index to the first few.
 */
export const oftenTrue = (condition: string): string => `case when ${condition} then true else false end`
