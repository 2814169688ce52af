package sms

import (
	"encoding/json"
	"strconv"
)

// templateStatus is one template as the service lists it.
// https://cloud.tencent.com/document/product/382/52067
type templateStatus struct {
	TemplateId      uint64
	International   uint64
	StatusCode      int64 // 0: approved
	ReviewReply     string
	TemplateName    string
	CreateTime      uint64
	TemplateContent string
}

// templates answers DescribeSmsTemplateList; ids that the account does not have are left out.
func (s *Server) templates(body []byte) ([]templateStatus, *failure) {
	var req struct {
		International *uint64
		TemplateIdSet []uint64
		Limit, Offset uint64
	}
	switch err := json.Unmarshal(body, &req); {
	case err != nil:
		return nil, fail("InvalidParameter", "A parameter has a wrong type.")
	case req.International == nil:
		return nil, fail("MissingParameter", "The request is missing a required parameter `International`.")
	case len(req.TemplateIdSet) == 0 || len(req.TemplateIdSet) > 100:
		return nil, fail("InvalidParameterValue.TemplateParameterLengthLimit", "The sandbox wants 1 to 100 ids in TemplateIdSet.")
	}
	found := []templateStatus{}
	for _, id := range req.TemplateIdSet {
		if content, ok := s.cfg.Templates[strconv.FormatUint(id, 10)]; ok {
			found = append(found, templateStatus{TemplateId: id, TemplateName: "验证码", TemplateContent: content})
		}
	}
	return found, nil
}
