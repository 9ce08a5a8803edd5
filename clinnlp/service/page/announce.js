// What a screen reader says after each step, in a region that it listens to.

import { $ } from "./dom.js";

let turn = 0;

export function announce(words) { // two regions by turns, so that the same words are said again
  turn = 1 - turn;
  $(`#said-${turn}`).textContent = words;
  $(`#said-${1 - turn}`).textContent = "";
}
