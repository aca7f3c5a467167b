// Tablets are shared: who signs in next finds nobody else's terminal kept on this one.
"use strict";
if ("caches" in window) caches.delete("factomes-terminal");
