package cards

// Counts that WeCom enforces, https://developer.work.weixin.qq.com/document/path/90236#模板卡片消息.
const (
	maxHorizontal   = 6
	maxVertical     = 4
	maxJumps        = 3
	maxActions      = 3
	maxButtons      = 6
	maxOptions      = 10
	maxCheckOptions = 20
	maxSelects      = 3
)

// Byte limits that WeCom enforces.
const (
	maxKeyBytes      = 1024
	maxOptionIDBytes = 128
	maxTaskIDBytes   = 128
	maxURLBytes      = 2048 // documented for textcard and news; kept for every link
)

// Display lengths in characters that WeCom recommends: a longer text is cut by the client wherever it likes, so Fit cuts
// it first, with an ellipsis.
const (
	lenSourceDesc    = 20
	lenTitle         = 36
	lenTitleDesc     = 44
	lenEmphasisTitle = 14
	lenEmphasisDesc  = 22
	lenSubTitle      = 160
	lenQuote         = 160 // no official number; as sub_title_text
	lenKeyName       = 5
	lenValue         = 30
	lenJumpTitle     = 18
	lenVerticalTitle = 38
	lenVerticalDesc  = 160
	lenButton        = 10
	lenActionText    = 10 // no official number; as a button
	lenOption        = 16
	lenCheckOption   = 17
)

// Limits of the other two forms of a card, https://developer.work.weixin.qq.com/document/path/90236.
const (
	MaxTextBytes         = 2048 // text.content and the text of a passive reply
	maxTextCardTitle     = 128  // bytes: the stricter reading of the page, which says characters now and said bytes before
	maxTextCardDesc      = 512  // bytes, as above
	maxTextCardButton    = 4    // characters
	defaultTextCardTitle = "…"
)
