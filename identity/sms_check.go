package identity

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	sms "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/sms/v20210111"
)

// Check asks for the configured template, for `xiaoka doctor`: the account must be known and the template approved. Nothing is
// sent. See https://cloud.tencent.com/document/product/382/52067.
func (s *SMS) Check(ctx context.Context) error {
	id, err := strconv.ParseUint(s.options.TemplateID, 10, 64)
	if err != nil {
		return errors.New("the template id of SMS must be a number")
	}
	req := sms.NewDescribeSmsTemplateListRequest()
	domestic := uint64(0)
	req.International, req.TemplateIdSet = &domestic, []*uint64{&id}

	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	var broken error
	res, err := s.client.DescribeSmsTemplateListWithContext(context.WithValue(ctx, brokenKey{}, &broken), req)
	switch {
	case ctx.Err() != nil && err != nil:
		return fmt.Errorf("ask for the SMS template: %w", ctx.Err())
	case broken != nil:
		return fmt.Errorf("ask for the SMS template: %w", broken)
	case err != nil:
		return s.failure(err)
	case res.Response == nil || len(res.Response.DescribeTemplateStatusSet) != 1 || res.Response.DescribeTemplateStatusSet[0] == nil:
		return errors.New("the account has no such SMS template")
	}
	if code := res.Response.DescribeTemplateStatusSet[0].StatusCode; code == nil || *code != 0 {
		return errors.New("the SMS template is not approved")
	}
	return nil
}
