package upload

// AbortRuledOut is what the sweeper does about the uploads of an asset, by a row that may be stale.
var AbortRuledOut = (*Service).abortRuledOut
