package cards

import (
	"strings"
	"testing"
)

// validCards has one full card of each kind.
func validCards() map[Type]Card {
	options := []Option{{"1", "一"}, {"2", "二"}}
	title := &MainTitle{Title: "标题"}
	return map[Type]Card{
		TextNotice: {Type: TextNotice, Source: &Source{Desc: "来源", DescColor: 3}, MainTitle: title, TaskID: "a@b_c-9",
			ActionMenu: &ActionMenu{Desc: "更多", ActionList: []MenuAction{{"不再接收", "mute"}}},
			QuoteArea:  &QuoteArea{Type: JumpURL, URL: site, QuoteText: "引用"}, EmphasisContent: &Emphasis{Title: "¥1"},
			HorizontalContentList: []Horizontal{{KeyName: "名", Value: "值"}, {Type: HorizontalURL, KeyName: "名", URL: site}, {Type: HorizontalFile, KeyName: "名", MediaID: "m"}, {Type: HorizontalMember, KeyName: "名", UserID: "u"}},
			JumpList:              []Jump{{Type: JumpURL, Title: "去", URL: site}, {Type: JumpMiniProgram, Title: "去", AppID: "wx"}}, CardAction: &Action{Type: JumpURL, URL: site}},
		NewsNotice: {Type: NewsNotice, MainTitle: title, CardImage: &CardImage{URL: site + "/a.png", AspectRatio: "1.5"},
			ImageTextArea: &ImageTextArea{Type: JumpURL, URL: site, Title: "图", ImageURL: site + "/b.png"}, VerticalContentList: []Vertical{{Title: "一", Desc: "段"}},
			CardAction: &Action{Type: JumpMiniProgram, AppID: "wx"}},
		ButtonInteraction: {Type: ButtonInteraction, TaskID: "t", MainTitle: title, SubTitleText: "副", CardAction: &Action{Type: JumpNone},
			ButtonSelection: &ButtonSelection{QuestionKey: "q", Title: "选", OptionList: options, SelectedID: "1"},
			ButtonList:      []Button{{Text: "好", Key: "ok", Style: ButtonWarn}, {Type: ButtonURL, Text: "看", URL: site}}},
		VoteInteraction: {Type: VoteInteraction, TaskID: "t", MainTitle: title, Checkbox: &Checkbox{QuestionKey: "q", Mode: 1, OptionList: []CheckOption{{"1", "一", true}, {"2", "二", false}}},
			SubmitButton: &Submit{"提交", "submit"}},
		MultipleInteraction: {Type: MultipleInteraction, TaskID: "t", MainTitle: title,
			SelectList: []Select{{QuestionKey: "q1", Title: "选", OptionList: options, SelectedID: "2"}, {QuestionKey: "q2", OptionList: options}}, SubmitButton: &Submit{"提交", "submit"}},
	}
}

func TestValidate_EachKind(t *testing.T) {
	t.Parallel()
	for kind, c := range validCards() {
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
		if err := c.Fit().Validate(); err != nil {
			t.Errorf("%s fitted: %v", kind, err)
		}
		if c.Text() == "" {
			t.Errorf("%s has no text", kind)
		}
	}
}

// many repeats an element n times.
func many[T any](v T, n int) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = v
	}
	return out
}

func TestValidate_Refuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", 1025)
	for name, tc := range map[string]struct {
		kind   Type
		change func(c *Card)
		says   string
	}{
		"UnknownType":         {TextNotice, func(c *Card) { c.Type = "nope" }, "42031"},
		"NoAction":            {TextNotice, func(c *Card) { c.CardAction = nil }, "42045"},
		"ActionNone":          {TextNotice, func(c *Card) { c.CardAction.Type = JumpNone }, "42045"},
		"NewsNoAction":        {NewsNotice, func(c *Card) { c.CardAction = nil }, "42045"},
		"ActionNoURL":         {TextNotice, func(c *Card) { c.CardAction.URL = "" }, "42028"},
		"ActionNoScheme":      {TextNotice, func(c *Card) { c.CardAction.URL = "card.example.edu.cn" }, "42028"},
		"ActionScript":        {TextNotice, func(c *Card) { c.CardAction.URL = "javascript:alert(1)" }, "42028"},
		"ActionLongURL":       {TextNotice, func(c *Card) { c.CardAction.URL = site + strings.Repeat("a", 2048) }, "42028"},
		"ActionNoAppID":       {NewsNotice, func(c *Card) { c.CardAction.AppID = "" }, "42030"},
		"NoTitleNorSubtitle":  {TextNotice, func(c *Card) { c.MainTitle = nil }, "both empty"},
		"NewsNoTitle":         {NewsNotice, func(c *Card) { c.MainTitle = nil }, "main_title.title"},
		"NewsNoPicture":       {NewsNotice, func(c *Card) { c.CardImage, c.ImageTextArea = nil, nil }, "42044"},
		"PictureNoURL":        {NewsNotice, func(c *Card) { c.CardImage.URL = "" }, "card_image.url"},
		"PictureRatio":        {NewsNotice, func(c *Card) { c.CardImage.AspectRatio = "2.25" }, "aspect_ratio"},
		"PictureRatioText":    {NewsNotice, func(c *Card) { c.CardImage.AspectRatio = "wide" }, "aspect_ratio"},
		"AreaNoPicture":       {NewsNotice, func(c *Card) { c.ImageTextArea.ImageURL = "" }, "image_url"},
		"SourceColour":        {TextNotice, func(c *Card) { c.Source.DescColor = 4 }, "desc_color"},
		"SevenRows":           {TextNotice, func(c *Card) { c.HorizontalContentList = many(Horizontal{KeyName: "a"}, 7) }, "42035"},
		"RowNoName":           {TextNotice, func(c *Card) { c.HorizontalContentList[0].KeyName = "" }, "42027"},
		"RowNoURL":            {TextNotice, func(c *Card) { c.HorizontalContentList[1].URL = "" }, "42028"},
		"RowNoMedia":          {TextNotice, func(c *Card) { c.HorizontalContentList[2].MediaID = "" }, "42029"},
		"RowNoUser":           {TextNotice, func(c *Card) { c.HorizontalContentList[3].UserID = "" }, "42050"},
		"RowType":             {TextNotice, func(c *Card) { c.HorizontalContentList[0].Type = 4 }, "horizontal_content_list.type"},
		"FourJumps":           {TextNotice, func(c *Card) { c.JumpList = many(Jump{Title: "a"}, 4) }, "42042"},
		"JumpNoTitle":         {TextNotice, func(c *Card) { c.JumpList[0].Title = "" }, "42033"},
		"JumpType":            {TextNotice, func(c *Card) { c.JumpList[0].Type = 3 }, "jump_list.type"},
		"FiveVerticals":       {NewsNotice, func(c *Card) { c.VerticalContentList = many(Vertical{Title: "a"}, 5) }, "42036"},
		"QuoteNoURL":          {TextNotice, func(c *Card) { c.QuoteArea.URL = "" }, "quote_area.url"},
		"MenuEmpty":           {TextNotice, func(c *Card) { c.ActionMenu.ActionList = nil }, "action_list"},
		"MenuFour":            {TextNotice, func(c *Card) { c.ActionMenu.ActionList = []MenuAction{{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}} }, "action_list"},
		"MenuSameKey":         {TextNotice, func(c *Card) { c.ActionMenu.ActionList = many(MenuAction{"a", "1"}, 2) }, "42051"},
		"MenuNoTask":          {TextNotice, func(c *Card) { c.TaskID = "" }, "task_id is required"},
		"TaskAlphabet":        {TextNotice, func(c *Card) { c.TaskID = "a b" }, "42014"},
		"TaskLong":            {TextNotice, func(c *Card) { c.TaskID = strings.Repeat("a", 129) }, "42014"},
		"ButtonsNoTask":       {ButtonInteraction, func(c *Card) { c.TaskID = "" }, "task_id is required"},
		"NoButtons":           {ButtonInteraction, func(c *Card) { c.ButtonList = nil }, "42038"},
		"SevenButtons":        {ButtonInteraction, func(c *Card) { c.ButtonList = many(Button{Type: ButtonURL, Text: "a", URL: site}, 7) }, "button_list"},
		"ButtonNoText":        {ButtonInteraction, func(c *Card) { c.ButtonList[0].Text = "" }, "42038"},
		"ButtonNoKey":         {ButtonInteraction, func(c *Card) { c.ButtonList[0].Key = "" }, "1 to 1024 bytes"},
		"ButtonLongKey":       {ButtonInteraction, func(c *Card) { c.ButtonList[0].Key = long }, "1 to 1024 bytes"},
		"ButtonSameKey":       {ButtonInteraction, func(c *Card) { c.ButtonList = many(Button{Text: "a", Key: "k"}, 2) }, "42039"},
		"ButtonKeyAsMenu":     {ButtonInteraction, func(c *Card) { c.ActionMenu = &ActionMenu{ActionList: []MenuAction{{"a", "ok"}}} }, "42039"},
		"ButtonNoURL":         {ButtonInteraction, func(c *Card) { c.ButtonList[1].URL = "" }, "button_list.url"},
		"ButtonStyle":         {ButtonInteraction, func(c *Card) { c.ButtonList[0].Style = 5 }, "style"},
		"ButtonType":          {ButtonInteraction, func(c *Card) { c.ButtonList[0].Type = 2 }, "button_list.type"},
		"SelectionNoKey":      {ButtonInteraction, func(c *Card) { c.ButtonSelection.QuestionKey = "" }, "42043"},
		"SelectionEmpty":      {ButtonInteraction, func(c *Card) { c.ButtonSelection.OptionList = nil }, "42037"},
		"SelectionEleven":     {ButtonInteraction, func(c *Card) { c.ButtonSelection.OptionList = many(Option{"1", "a"}, 11) }, "42037"},
		"OptionSameID":        {ButtonInteraction, func(c *Card) { c.ButtonSelection.OptionList = many(Option{"1", "a"}, 2) }, "42040"},
		"OptionNoText":        {ButtonInteraction, func(c *Card) { c.ButtonSelection.OptionList = []Option{{"1", ""}} }, "42041"},
		"OptionLongID":        {ButtonInteraction, func(c *Card) { c.ButtonSelection.OptionList[0].ID = strings.Repeat("a", 129) }, "42040"},
		"NoCheckbox":          {VoteInteraction, func(c *Card) { c.Checkbox = nil }, "checkbox is required"},
		"CheckboxMode":        {VoteInteraction, func(c *Card) { c.Checkbox.Mode = 2 }, "mode"},
		"CheckboxTwentyOne":   {VoteInteraction, func(c *Card) { c.Checkbox.OptionList = many(CheckOption{"1", "a", false}, 21) }, "42037"},
		"VoteNoSubmit":        {VoteInteraction, func(c *Card) { c.SubmitButton = nil }, "42046"},
		"VoteForeignField":    {VoteInteraction, func(c *Card) { c.ButtonList = []Button{{Text: "a", Key: "k"}} }, "not a field"},
		"NoticeForeignField":  {TextNotice, func(c *Card) { c.CardImage = &CardImage{URL: site} }, "not a field"},
		"ButtonsJumpList":     {ButtonInteraction, func(c *Card) { c.JumpList = []Jump{{Title: "a"}} }, "not a field"},
		"NoSelects":           {MultipleInteraction, func(c *Card) { c.SelectList = nil }, "42047"},
		"FourSelects":         {MultipleInteraction, func(c *Card) { c.SelectList = many(c.SelectList[0], 4) }, "42047"},
		"SelectSameQuestion":  {MultipleInteraction, func(c *Card) { c.SelectList = many(c.SelectList[0], 2) }, "used twice"},
		"SubmitNoKey":         {MultipleInteraction, func(c *Card) { c.SubmitButton.Key = "" }, "1 to 1024 bytes"},
		"SubmitNoText":        {MultipleInteraction, func(c *Card) { c.SubmitButton.Text = "" }, "42049"},
		"MultipleNoTitle":     {MultipleInteraction, func(c *Card) { c.MainTitle = nil }, "main_title.title"},
		"TitleNotUTF8":        {TextNotice, func(c *Card) { c.MainTitle.Title = "\xff" }, "UTF-8"},
		"ButtonTextNotUTF8":   {ButtonInteraction, func(c *Card) { c.ButtonList[0].Text = "\xff" }, "UTF-8"},
		"HorizontalValueUTF8": {TextNotice, func(c *Card) { c.HorizontalContentList[0].Value = "\xff" }, "UTF-8"},
	} {
		c := validCards()[tc.kind]
		tc.change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v, want %q", name, err, tc.says)
		}
	}
}

func TestFit_KeepsTheCallersCard(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("长", 300)
	for kind, c := range validCards() {
		c.MainTitle.Title = long
		for i := range c.ButtonList {
			c.ButtonList[i].Text = long
		}
		for i := range c.SelectList {
			c.SelectList[i].OptionList[0].Text = long
		}
		if f := c.Fit(); f.MainTitle.Title == long {
			t.Errorf("%s: not cut", kind)
		}
		if c.MainTitle.Title != long || len(c.ButtonList) > 0 && c.ButtonList[0].Text != long || len(c.SelectList) > 0 && c.SelectList[0].OptionList[0].Text != long {
			t.Errorf("%s: Fit changed the card it was called on", kind)
		}
	}
}
