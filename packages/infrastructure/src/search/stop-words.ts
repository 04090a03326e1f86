/**
 * English words that say how a sentence is built and not what it is about, as the analyzer folds them: without apostrophes. Words that
 * are also names or carry a claim ("us", "may", "against", "without") are left out: a search for them must rank.
 */
export const stopWords: ReadonlySet<string> = new Set(
  `a an the this that these those
  i me my mine myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers herself it its itself
  they them their theirs themselves
  am is are was were be been being do does did doing done have has had having can cannot could will would shall should might must ought
  and or but nor if then than so as because while until although though whether
  of at by for with about into through during to from in on onto upon off over out up down under within between among
  what which who whom whose when where why how
  no not only own same such too very just also both each few more most other some any all here there again further once now however
  dont doesnt didnt isnt arent wasnt werent hasnt havent hadnt wont wouldnt cant couldnt shouldnt mustnt
  eg ie etc`.split(/\s+/),
)
