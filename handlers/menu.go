package handlers

import (
	"fmt"

	"xiaoka/bot"
)

// Menu is the menu of an app, AssistantApp or CardApp, for `xiaoka menu push`.
// Its keys are names of asks, its addresses pages below publicURL. WeCom gives
// every member the same menu, in Chinese.
// https://developer.work.weixin.qq.com/document/path/90231
func Menu(app, publicURL string) (bot.Menu, error) {
	link := links(publicURL)
	switch app {
	case AssistantApp:
		return bot.Menu{Button: []bot.MenuButton{
			click("验证身份", "verify"),
			click("语言", "change_language"),
			{Name: "帮助", SubButton: []bot.MenuButton{click("使用帮助", "help"), click("人工服务", "human")}},
		}}, nil
	case CardApp:
		return bot.Menu{Button: []bot.MenuButton{
			{Name: "查询", SubButton: []bot.MenuButton{
				click("余额", "balance"), click("最近明细", "transactions_today"), click("月账单", "statement"), click("待领取", "pending"), view("领取与记录", link.transfers()),
			}},
			{Name: "充值·挂失", SubButton: []bot.MenuButton{
				click("充值校园卡", "topup"), click("到哪里领取", "claim"), click("校园卡挂失", "report_loss"), click("解挂", "cancel_loss"),
			}},
			{Name: "我的", SubButton: []bot.MenuButton{
				view("我的一卡通", link.home()), view("修改查询密码", link.password()), view("设置", link.settings()),
				click("人工服务", "human"), click("使用帮助", "help"),
			}},
		}}, nil
	}
	return bot.Menu{}, fmt.Errorf("handlers: no app is called %q", app)
}

func click(name, key string) bot.MenuButton {
	return bot.MenuButton{Type: "click", Name: name, Key: key}
}
func view(name, url string) bot.MenuButton { return bot.MenuButton{Type: "view", Name: name, URL: url} }
