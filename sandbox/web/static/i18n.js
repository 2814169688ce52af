// Every text of the sandbox's own, in both languages. What the product says is the product's.

const texts = {
  brand: ['沙盒校园', 'Sandbox campus'],
  messages: ['消息', 'Messages'],
  you: ['你是', 'You are'],
  searchPeople: ['姓名、学号或卡号', 'Name, student or card number'],
  noPeople: ['没有这个人', 'Nobody by that name'],
  student: ['学生', 'Student'],
  staff: ['教职工', 'Staff'],
  no_openid: ['未用微信登录', 'Never signed in with WeChat'],
  wechat_only: ['在微信里看消息', 'Reads inside WeChat'],
  productUp: ['小卡运行中', 'xiaoka is running'],
  productDown: ['小卡没有运行', 'xiaoka is not running'],
  demoOnly: ['只有模拟器，没有接产品', 'Simulators only'],
  typeHere: ['发消息', 'Message'],
  send: ['发送', 'Send'],
  noMessages: ['还没有消息', 'No messages yet'],
  failed: ['未送达', 'Not delivered'],
  unseen: ['暂不支持的消息类型，请在企业微信里查看', 'This kind of message is not shown in WeChat'],
  recalled: ['撤回了一条消息', 'A message was recalled'],
  submit: ['提交', 'Submit'],
  details: ['详情', 'Details'],
  choose: ['请选择', 'Choose'],
  notHere: ['沙盒不打开外部地址', 'The sandbox opens no outside address'],
  miniProgram: ['沙盒不打开小程序', 'The sandbox opens no mini programs'],
  loading: ['正在打开…', 'Opening…'],
  payTo: ['付款给', 'Pay to'],
  merchant: ['小卡大学 一卡通', 'Xiaoka University Card'],
  payMethod: ['支付方式', 'Method'],
  balanceWallet: ['零钱', 'Balance'],
  payConfirm: ['确认支付', 'Pay'],
  payDone: ['支付成功', 'Paid'],
  payRefused: ['无法支付', 'Cannot pay'],
  payBroken: ['微信不接受这个订单', 'WeChat refuses this order'],
  scan: ['扫码支付', 'Scan to pay'],
  scanHint: ['粘贴二维码内容 weixin://…，或点选下面待付的订单', 'Paste the code weixin://…, or pick an open order'],
  scanPay: ['付款', 'Pay'],
  noOrders: ['没有待付的二维码', 'No code is waiting'],
  tabKiosk: ['圈存机', 'Kiosk'], tabTill: ['收银机', 'Till'], tabInspector: ['通信记录', 'Inspector'], tabFaults: ['故障开关', 'Faults'],
  breakfast: ['早餐', 'Breakfast'], lunch: ['午餐', 'Lunch'], coffee: ['咖啡', 'Coffee'], water: ['矿泉水', 'Water'],
  tillAmount: ['别的金额，如 6.50', 'Another amount, such as 6.50'],
  tillSwipe: ['刷卡', 'Swipe'],
  tillWire: ['网线插着', 'Network plugged in'],
  tillOnline: ['联机', 'Online'], tillOffline: ['脱机：先记着，联机后上传', 'Offline: kept, uploaded later'],
  tillWaiting: ['{n} 笔待上传', '{n} to upload'], tillSent: ['都上传了', 'All uploaded'], tillList: ['黑名单 v{v}', 'Blacklist v{v}'],
  tillIdle: ['请刷卡', 'Swipe the card'],
  tillClaimed: ['待领的 ¥{yuan} 已到卡', '¥{yuan} that waited is on the card now'],
  tillLeft: ['卡上还有 ¥{yuan}', '¥{yuan} left on the card'],
  tillHint: ['点一样东西就刷一次卡。待领的钱会在这时自动写进卡里。拔掉网线也能卖；想看写到一半拔卡，先在圈存机那边选好什么时候拔。', 'Pick something to swipe the card. Money that waits is written to the card in passing. It sells offline too; to pull the card out mid-write, choose when on the kiosk first.'],
  till_card_lost: ['这张卡已挂失，不能用', 'This card is reported lost'],
  till_insufficient: ['卡上余额不足', 'Not enough on the card'],
  till_torn: ['卡拿得太快。请再刷一次，不会多扣', 'The card left too soon. Swipe again; it is charged once'],
  till_card_elsewhere: ['卡还在别的机器里', 'The card is in another machine'],
  faultsHint: ['外面的世界会出错。打开一个，再照常用手机，看看会员会不会察觉。', 'The outside goes wrong at times. Switch one on, go on as usual, and see whether a member notices.'],
  fault_power_off: ['拔掉小卡的电源', 'Pull the plug on xiaoka'], then_power_off: ['进程当场被杀；插回来以后，一条推送、一分钱都不少', 'Killed on the spot; after it is back, no push and no fen is missing'],
  fault_wecom_slow: ['企业微信变慢', 'WeCom is slow'], then_wecom_slow: ['接口要六秒；回答改走文字，五秒内照样到', 'Six seconds a call; answers come as text, still within five'],
  fault_wecom_down: ['企业微信接口挂了', 'WeCom’s API is down'], then_wecom_down: ['回答是文字；推送等它好了再来', 'Answers are text; pushes come once it is back'],
  fault_wecom_limited: ['企业微信限流', 'WeCom limits us'], then_wecom_limited: ['45009：回答改走文字，推送晚些再试', '45009: answers come as text, pushes try later'],
  fault_callback_twice: ['回调重复送达', 'Callbacks come twice'], then_callback_twice: ['每条消息只答一次', 'Each message is answered once'],
  fault_pay_down: ['微信支付接口挂了', 'WeChat Pay’s API is down'], then_pay_down: ['下单会请你稍后再试，钱不会乱', 'Ordering asks to try later; no money moves'],
  fault_notify_lost: ['支付通知丢了', 'Payment notices get lost'], then_notify_lost: ['两分钟内自己查到，照样入账', 'Found by asking, within two minutes'],
  fault_notify_twice: ['支付通知来两次', 'Payment notices come twice'], then_notify_twice: ['只入账一次', 'Credited once'],
  fault_notify_late: ['支付通知晚半分钟', 'Payment notices come late'], then_notify_late: ['查询先到，也只入账一次', 'Asking is quicker; still credited once'],
  fault_notify_signature: ['支付通知签名不对', 'Payment notices are badly signed'], then_notify_signature: ['一律不收，改由查询入账', 'Refused; credited by asking'],
  fault_bill_wrong: ['对账单差一分', 'The bill is one fen off'], then_bill_wrong: ['xiaoka reconcile 会列出这一行', 'xiaoka reconcile lists the line'],
  fault_mail_down: ['邮件服务器不收', 'The mail server refuses'], then_mail_down: ['请你稍后再试，或换短信', 'Asks to try later, or by SMS'],
  fault_sms_refused: ['短信发不出', 'SMS is refused'], then_sms_refused: ['请你稍后再试，或换邮件', 'Asks to try later, or by mail'],
  fault_clock_ahead: ['外面的钟快十分钟', 'The outside clock is ten minutes fast'], then_clock_ahead: ['过期的签名一律不收', 'Signatures out of time are refused'],
  fault_revoke_tokens: ['让 access_token 失效', 'Revoke the access tokens'], then_revoke_tokens: ['下一次调用自动换新的，会员不会察觉', 'Renewed at the next call; nobody notices'],
  guide: ['使用指南', 'Guide'], office: ['运营页', 'Office'],
  hints: ['第一次来，走五步', 'Five steps to begin'],
  hint1: ['打开「企业小助手」，发 验证，用邮件或短信里的验证码完成', 'Open 企业小助手, say 验证 and use the code from the mail or SMS'],
  hint2: ['在「校园一卡通」里绑定：姓名、学号、初始密码 123456，再设自己的密码', 'Bind in 校园一卡通: name, number, first password 123456, then choose your own'],
  hint3: ['发 余额，看看卡里有多少', 'Say 余额 to see the balance'],
  hint4: ['发 充值 50，在手机里付款', 'Say 充值 50 and pay on the phone'],
  hint5: ['把卡放到自助机上，领取到卡', 'Put the card on the machine and collect the money'],
  hintsDone: ['五步都走完了', 'All five done'],
  hintFacts: ['姓名 {name} · 学号 {no}', '{name} · {no}'],
  step1: ['验证', 'Verify'], step2: ['绑定', 'Bind'], step3: ['余额', 'Balance'], step4: ['充值', 'Top up'], step5: ['领取', 'Collect'],
  mailbox: ['邮件和短信', 'Mail and SMS'],
  noMail: ['还没有邮件或短信', 'No mail or SMS yet'],
  sms: ['短信', 'SMS'],
  mailTo: ['收件人', 'To'],
  copy: ['复制', 'Copy'],
  copied: ['已复制', 'Copied'],
  inspector: ['通信记录', 'Inspector'],
  all: ['全部', 'All'],
  sys_wecom: ['企业微信', 'WeCom'], sys_wechatpay: ['微信支付', 'WeChat Pay'], sys_terminal: ['终端', 'Terminal'], sys_mail: ['邮件', 'Mail'], sys_sms: ['短信', 'SMS'],
  filter: ['筛选', 'Filter'],
  nothingYet: ['这里会列出每一次回调和接口调用', 'Every callback and API call appears here'],
  request: ['请求', 'Request'], response: ['应答', 'Response'], noBody: ['（空）', '(empty)'],
  pickLine: ['点一行看解密后的内容', 'Click a line to see it decrypted'],
  noAnswer: ['无应答', 'no answer'],
  kioskTitle: ['校园卡自助服务系统', 'Campus Card Automatic Service System'],
  stepCard: ['放卡', 'Card'], stepPin: ['密码', 'Password'], stepClaim: ['领取', 'Collect'],
  putCard: ['请将校园卡放在感应区', 'Place your campus card on the reader'],
  enterPin: ['请输入卡密码', 'Enter your card password'],
  reading: ['正在查询', 'One moment'],
  pending: ['待领金额', 'Waiting for you'],
  nothingPending: ['没有待领的转账', 'Nothing is waiting'],
  transferName: ['转账名称', 'Transfer'], amount: ['转账金额', 'Amount'], time: ['转账时间', 'Time'],
  claim: ['领取', 'Collect'], exit: ['退出', 'Exit'], ok: ['确定', 'OK'], clear: ['清除', 'Clear'],
  writing: ['正在写卡，请勿移开卡片', 'Writing to your card. Do not move it'],
  claimed: ['已到卡', 'On your card'],
  onCardNow: ['卡上余额', 'On the card now'],
  doubt: ['写卡结果待确认', 'The last write is being checked'],
  doubtText: ['钱没有丢，下次放卡会自动核对', 'Your money is safe; the next tap settles it'],
  takeCard: ['请取走卡片', 'Please take your card'],
  slotIn: ['放卡', 'Put the card in'], slotOut: ['取卡', 'Take the card out'],
  chip: ['芯片', 'Chip'], chipLine: ['圈存 {load} 次 · 消费 {spend} 次', '{load} loads · {spend} purchases'],
  pull: ['写卡时', 'While writing'], pullNone: ['放稳', 'Hold still'], pullBefore: ['写入前抽走', 'Pull before the write'], pullAfter: ['写入后抽走', 'Pull after the write'],
  notHome: ['这张卡在别的机器上', 'The card is in another machine'],
  triesLeft: ['还可以试 {n} 次', '{n} tries left'],
  err_pin_wrong: ['密码不对', 'Wrong password'],
  err_pin_locked: ['密码已锁定，请稍后再试', 'The password is locked for a while'],
  err_password_change_required: ['请先在手机上把初始密码改成自己的', 'Choose your own password on the phone first'],
  err_card_lost: ['这张卡已挂失', 'This card is reported lost'],
  err_card_frozen: ['这张卡已冻结', 'This card is frozen'],
  err_card_not_found: ['没有这张卡', 'No such card'],
  err_nothing_pending: ['没有待领的转账', 'Nothing is waiting'],
  err_claim_in_progress: ['这张卡正在别处领取', 'This card is being loaded elsewhere'],
  err_purse_full: ['卡上余额已到上限，先消费再来领取', 'The card is full; spend a little first'],
  err_chip_out_of_step: ['卡片状态需要人工核对，请到受理中心', 'Please take the card to the service centre'],
  err_rate_limited: ['请稍等再试', 'Please try again in a moment'],
  err_unreachable: ['暂时连不上服务器', 'The server cannot be reached'],
  err_other: ['暂时办不了，请稍后再试', 'This does not work right now'],
};

let lang = localStorage.getItem('lang') === 'en' ? 1 : 0;

/** t is a text in the chosen language, {name} replaced from values. */
export function t(key, values) {
  const pair = texts[key];
  let text = pair ? pair[lang] : key;
  for (const [name, value] of Object.entries(values || {})) text = text.replace('{' + name + '}', value);
  return text;
}

export const has = (key) => key in texts;
export const isEnglish = () => lang === 1;

export function toggleLanguage() {
  lang = 1 - lang;
  localStorage.setItem('lang', lang ? 'en' : 'zh');
  apply();
}

function apply() {
  document.documentElement.lang = lang ? 'en' : 'zh-CN';
  document.cookie = 'sandbox_lang=' + (lang ? 'en' : 'zh') + '; path=/; samesite=lax; max-age=31536000'; // the phone's language too
}

apply();
