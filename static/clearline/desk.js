// The call desk. The server says where the rep stands; this page shows it, keeps its clocks, and never holds a truth of
// its own but one: what was typed and is not saved yet.
import { tick } from "./desk/clocks.js";
import "./desk/deeds.js";
import "./desk/keys.js";
import { listen } from "./desk/line.js";
import { takeShelved } from "./desk/notes.js";
import { showSwitches } from "./desk/shortcuts.js";
import { announceState, lead } from "./desk/showing.js";

showSwitches();
takeShelved();
tick();
setInterval(tick, 1000);
lead();
announceState();
listen();
