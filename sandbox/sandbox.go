// Package sandbox is the outside world in small: WeCom, WeChat Pay, a mail server, an SMS service and a card reader,
// each a library of its own in a folder below, each speaking the real protocol to whoever calls it.
//
// Where a Dice of package mishap is given, they also misbehave a little, in ways that correct clients do not notice.
// The command xiaoka-sandbox joins them for a person at a browser; tests start the one they need in a line. Nothing here
// shares code with the product, in either direction, so that one misreading of a protocol cannot agree with itself: both
// sides are pinned to the published vectors and official field tables instead.
package sandbox
