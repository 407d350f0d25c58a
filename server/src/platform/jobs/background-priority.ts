/** From this priority on a job can wait: it may be one of thousands, and may take its time. */
export const BACKGROUND_PRIORITY = 20;
