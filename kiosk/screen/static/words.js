// What the machine says, in Chinese and English: [中文, English].

/** elsewhere: what this machine does not do, and where it is done. */
export const elsewhere = {
  self: [['自助服务', 'Self-service'],
    ['这台机器不办补卡和换卡，请到受理中心。挂失、改密码在企业微信“校园一卡通”里就能办。',
      'Card replacement is done at the card office. To report a loss or change the password, open 校园一卡通 in WeCom.']],
  bank: [['银行服务', 'Bank services'],
    ['这台机器没有连接银行，银行卡圈存请到受理中心。用微信充值的钱，可以在这里的“微信企业号”领取。',
      'This machine is not connected to a bank; the card office is. What you paid by WeChat you can collect here, under WeCom.']],
  alipay: [['支付宝服务', 'Alipay'],
    ['这台机器领取的是微信充值。支付宝的转账请到受理中心咨询。',
      'This machine pays out WeChat top-ups. For Alipay transfers, please ask at the card office.']],
};

/** states of a transfer. */
export const states = {
  pending: ['待领取', 'Waiting'], in_flight: ['正在写卡', 'Being written'], in_doubt: ['待确认', 'Being checked'],
  claimed: ['已到卡', 'On your card'], refunding: ['退款中', 'Being refunded'], refunded: ['已原路退款', 'Refunded'],
};

/** titles: how the transfers' titles begin that the server words itself. */
export const titles = { 微信充值: 'WeChat top-up', 消费冲正: 'Purchase reversed', 补助: 'Grant' };

/** working: what happens while the card must lie still. */
export const working = {
  asking: ['正在核对待领金额', 'Checking what waits for you'],
  writing: ['马上就好', 'Almost there'],
  confirming: ['已写完，正在登记', 'Written, being recorded'],
};

/** outcomes of a claim: title and what to do. */
export const outcomes = {
  written: [['已到卡', 'On your card'], ['请取走卡片', 'Please take your card']],
  unwritten: [['未写入，已退回待领', 'Not written; back to waiting'],
    ['钱没有丢，可以再领一次', 'Your money is safe. You can try again']],
  unknown: [['写卡结果待确认', 'We are checking the last write'],
    ['钱没有丢。把卡放回读卡区，马上核对；或下次刷卡时自动核对', 'Your money is safe. Put the card back and we check at once, or the next tap settles it']],
};

/** resolved: how a doubt about the card on the reader ended. */
export const resolved = {
  written: [['核对好了，已到卡', 'Checked: it is on your card'], ['请取走卡片', 'Please take your card']],
  unwritten: [['核对好了，未写入，已退回待领', 'Checked: not written; back to waiting'],
    ['可以再领一次', 'You can collect it again']],
};

/** problems by code. {n} tries left, {t} and {e} a time in Chinese and English. */
export const problems = {
  pin_wrong: ['卡密码不对，还可以试 {n} 次', 'Wrong password. Tries left: {n}'],
  pin_locked: ['卡密码已锁定，到 {t} 解开。也可以在企业微信“校园一卡通”里用验证码重设', 'Locked until {e}. You can set a new password in WeCom with a code'],
  password_change_required: ['请先在企业微信“校园一卡通”里把初始密码改成自己的，再来领取', 'Please choose your own password in WeCom first, then come back'],
  card_lost: ['这张卡已挂失，不能领取。找回后可在企业微信解挂', 'This card is reported lost. If it is yours again, cancel the loss in WeCom'],
  card_frozen: ['这张卡已冻结，请到受理中心', 'This card is frozen. Please go to the card office'],
  card_not_found: ['没有找到这张卡，请到受理中心', 'We do not know this card. Please go to the card office'],
  nothing_pending: ['没有待领的转账', 'Nothing is waiting'],
  claim_in_progress: ['有一笔正在另一台机器上写卡，请过两分钟再来。钱没有丢', 'A write on another machine is not finished. Please come back in two minutes; your money is safe'],
  chip_out_of_step: ['卡片要请工作人员看一下，请到受理中心。钱没有丢', 'Someone has to look at this card; please go to the card office. Your money is safe'],
  purse_full: ['领取后会超过卡内余额上限，先花一些再来领', 'The card would hold too much. Spend some first, then collect'],
  reader_failed: ['读卡器没有反应，请换一台机器', 'The reader does not respond. Please use another machine'],
  unreachable: ['暂时连不上校园卡中心，请稍后再试', 'The card centre cannot be reached. Please try again later'],
  out_of_service: ['这台机器暂停服务，请换一台', 'This machine is out of service. Please use another one'],
  busy: ['请稍等，上一步还没有完成', 'One moment, the last step is not finished'],
  other: ['没有办成，请再试一次', 'That did not work. Please try again'],
};

/** plain sentences. */
export const say = {
  putCard: ['请把校园卡平放在读卡区', 'Lay your campus card flat on the reader'],
  putCardText: ['办完之前请不要拿开', 'Leave it there until we are done'],
  noBridge: ['这里还没有连接读卡器', 'No card reader is connected here'],
  noBridgeText: ['这个页面是自助机的屏幕，要由自助机上的桥接程序（xiaoka kiosk-bridge）打开，才能读卡和领取。自助机在二号餐厅、图书馆一楼、受理中心和行政中心一楼。',
    'This page is the screen of a self-service machine. It can read cards only when the bridge on the machine (xiaoka kiosk-bridge) opens it. The machines stand at Canteen 2, the library, the card office and the administration centre.'],
  readerDown: ['读卡器没有反应', 'The reader does not respond'],
  readerDownText: ['请换一台机器', 'Please use another machine'],
  paused: ['请稍等', 'One moment please'],
  pausedText: ['这台机器正在恢复', 'This machine is coming back'],
  afterPassword: ['输入密码后显示', 'Shown after the password'],
  typePassword: ['请输入六位卡密码，再按确定', 'Type the six-digit card password, then OK'],
  collectAll: ['按“确定领取”，写到卡上', 'Press Collect to load it onto the card'],
  none: ['没有待领的转账', 'Nothing is waiting'],
  noRecords: ['这个月没有转账', 'No transfers in this month'],
  cardLeft: ['读卡区上有一张卡，请记得取走', 'There is a card on the reader. Please remember to take it'],
  elsewhereToo: ['挂失、改密码、充值，在企业微信“校园一卡通”里办', 'To report a loss, change the password or top up, open 校园一卡通 in WeCom'],
  demo: ['没有连接读卡器，这里只能看看', 'No card reader: for a look only'],
  full: ['其余的会超过卡内余额上限，先花一些再来领', 'The rest would exceed what a card may hold. Spend some first'],
  looking: ['正在查询', 'Looking it up'],
};
